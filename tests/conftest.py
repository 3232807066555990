"""Puts `tests/` on the import path, so that a test may say `from fake_aws.client import FakeAws`.

pytest inserts the folder of a conftest.py that lies in no package; nothing else is needed here.
"""
