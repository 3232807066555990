#include "aws/ec2_wire.h"

#include <utility>

#include "aws/sigv4.h"
#include "aws/xml_reader.h"

namespace kite::aws {
namespace {

/// The filter form: unknown ids are left out of the answer instead of failing the call.
std::string filter_body(std::string_view action, std::string_view filter,
                        const std::vector<std::string>& ids, const std::string& next_token) {
  std::string body = "Action=" + std::string(action) + "&Version=2016-11-15&Filter.1.Name=";
  body += filter;
  for (size_t i = 0; i < ids.size(); ++i) {
    body += "&Filter.1.Value." + std::to_string(i + 1) + "=" + uri_encode(ids[i]);
  }
  body += "&MaxResults=1000";
  if (!next_token.empty()) body += "&NextToken=" + uri_encode(next_token);
  return body;
}

void set_if_empty(sys::SharedText& member, std::string_view text) {
  if (member.empty()) member = text;
}

/// What follows "item/" in the path of something inside an item; empty for anything else.
std::string_view member_of(std::string_view item_path, std::string_view path) {
  const bool inside = path.size() > item_path.size() && path.starts_with(item_path) &&
                      path[item_path.size()] == '/';
  return inside ? path.substr(item_path.size() + 1) : std::string_view();
}

class InstanceVisitor final : public XmlVisitor {
 public:
  void on_open(std::string_view path) override {
    if (path == kSet) has_set = true;
    if (path == kItem) instance_ = {};
  }

  void on_close(std::string_view path, std::string_view text) override {
    if (path == "DescribeInstancesResponse/nextToken") page.next_token = text;
    if (path == kItem && !instance_.id.empty()) page.instances.push_back(std::move(instance_));
    const std::string_view member = member_of(kItem, path);
    if (member == "instanceId") instance_.id = text;
    if (member == "instanceState/name") instance_.state = text;
    if (member == "privateIpAddress") instance_.private_ip = text;
    if (member == "ipAddress") instance_.public_ip = text;
    if (member == "ipv6Address" && !text.empty()) instance_.ipv6 = text;
    if (member == "placement/availabilityZone") instance_.availability_zone = text;
    // Not every answer has the address on the instance itself; the first interface comes first.
    if (member == "networkInterfaceSet/item/ipv6AddressesSet/item/ipv6Address") {
      set_if_empty(instance_.ipv6, text);
    }
  }

  Ec2Api::InstancePage page;
  bool has_set = false;

 private:
  static constexpr std::string_view kSet = "DescribeInstancesResponse/reservationSet";
  static constexpr std::string_view kItem =
      "DescribeInstancesResponse/reservationSet/item/instancesSet/item";
  Instance instance_;
};

class InterfaceVisitor final : public XmlVisitor {
 public:
  void on_open(std::string_view path) override {
    if (path == kSet) has_set = true;
    if (path == kItem) interface_ = {};
  }

  void on_close(std::string_view path, std::string_view text) override {
    if (path == "DescribeNetworkInterfacesResponse/nextToken") page.next_token = text;
    if (path == kItem && !interface_.id.empty()) page.interfaces.push_back(std::move(interface_));
    const std::string_view member = member_of(kItem, path);
    if (member == "networkInterfaceId") interface_.id = text;
    if (member == "privateIpAddress") interface_.private_ip = text;
    if (member == "association/publicIp") interface_.public_ip = text;
    if (member == "ipv6AddressesSet/item/ipv6Address") set_if_empty(interface_.ipv6, text);
  }

  Ec2Api::InterfacePage page;
  bool has_set = false;

 private:
  static constexpr std::string_view kSet = "DescribeNetworkInterfacesResponse/networkInterfaceSet";
  static constexpr std::string_view kItem =
      "DescribeNetworkInterfacesResponse/networkInterfaceSet/item";
  NetworkInterface interface_;
};

/// `Page` with what the visitor found, if the document is whole and the one that was asked for.
template <typename Page, typename Visitor>
sys::Result<Page> parse_page(std::string_view body, std::string_view set_name) {
  Visitor visitor;
  const auto outcome = read_xml(body, visitor);
  if (!outcome.ok()) return outcome.error();
  if (!visitor.has_set) return sys::Error{"the answer has no " + std::string(set_name)};
  return std::move(visitor.page);
}

}  // namespace

std::string describe_instances_body(const std::vector<std::string>& instance_ids,
                                    const std::string& next_token) {
  return filter_body("DescribeInstances", "instance-id", instance_ids, next_token);
}

std::string describe_network_interfaces_body(const std::vector<std::string>& eni_ids,
                                             const std::string& next_token) {
  return filter_body("DescribeNetworkInterfaces", "network-interface-id", eni_ids, next_token);
}

sys::Result<Ec2Api::InstancePage> parse_instances(std::string_view body) {
  return parse_page<Ec2Api::InstancePage, InstanceVisitor>(body, "reservationSet");
}

sys::Result<Ec2Api::InterfacePage> parse_network_interfaces(std::string_view body) {
  return parse_page<Ec2Api::InterfacePage, InterfaceVisitor>(body, "networkInterfaceSet");
}

}  // namespace kite::aws
