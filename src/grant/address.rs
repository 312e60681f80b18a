//! What kind of machine an address is, and which kinds a rule reaches.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

#[cfg(any(feature = "http", feature = "websocket"))]
use crate::effect::Reach;

/// What kind of machine an address belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddressClass {
    /// Anyone's, on the internet.
    Public,
    /// This machine.
    Loopback,
    /// The local network (RFC 1918, unique local and site-local IPv6).
    Private,
    /// A provider's inner network (RFC 6598).
    SharedNat,
    /// A machine on the local link (RFC 3927, RFC 4291).
    LinkLocal,
    /// A cloud's metadata service, which hands out credentials to whoever asks.
    Metadata,
    /// Many machines at once, broadcast included.
    Multicast,
    /// No address at all; Linux connects it to this machine.
    Unspecified,
    /// Set aside for documentation, tests, tunnels or the future.
    Reserved,
}

impl AddressClass {
    /// The class of `address`. An IPv6 address that carries an IPv4 address has the class of the latter.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }
}

impl fmt::Display for AddressClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "a public address",
            Self::Loopback => "this machine",
            Self::Private => "a private network",
            Self::SharedNat => "a provider's inner network",
            Self::LinkLocal => "a link-local address",
            Self::Metadata => "a cloud metadata service",
            Self::Multicast => "a multicast address",
            Self::Unspecified => "no address",
            Self::Reserved => "a reserved address",
        })
    }
}

/// Where clouds answer questions about credentials: AWS, Azure, Google, Oracle; ECS; EKS; Alibaba; Oracle's second.
const METADATA_V4: [Ipv4Addr; 5] = [
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(169, 254, 170, 23),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
];
/// Addresses of metadata services over IPv6: AWS, Google, EKS.
const METADATA_V6: [Ipv6Addr; 3] = [
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x23),
];

fn of_v4(address: Ipv4Addr) -> AddressClass {
    if METADATA_V4.contains(&address) {
        return AddressClass::Metadata;
    }
    match address.octets() {
        [0, 0, 0, 0] => AddressClass::Unspecified,
        [127, ..] => AddressClass::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => AddressClass::Private,
        [100, 64..=127, ..] => AddressClass::SharedNat,
        [169, 254, ..] => AddressClass::LinkLocal,
        [224..=239, ..] | [255, 255, 255, 255] => AddressClass::Multicast,
        [0 | 240..=255, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 18 | 19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _] => AddressClass::Reserved,
        _ => AddressClass::Public,
    }
}

fn of_v6(address: Ipv6Addr) -> AddressClass {
    if METADATA_V6.contains(&address) {
        return AddressClass::Metadata;
    }
    if address == Ipv6Addr::LOCALHOST {
        return AddressClass::Loopback;
    }
    if address == Ipv6Addr::UNSPECIFIED {
        return AddressClass::Unspecified;
    }
    if let Some(inner) = embedded(address) {
        // RFC 8215 leaves to the network where in the address the other one stands; what looks public may stand elsewhere.
        let local = matches!(address.segments(), [0x0064, 0xff9b, 1, ..]);
        return match of_v4(inner) {
            AddressClass::Public if local => AddressClass::Private,
            class => class,
        };
    }
    match address.segments() {
        [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] => AddressClass::Private,
        [0xfe80..=0xfebf, ..] => AddressClass::LinkLocal,
        [0xff00..=0xffff, ..] => AddressClass::Multicast,
        // Teredo and the special-purpose block around it, documentation.
        [0x2001, 0..=0x01ff | 0x0db8, ..] | [0x3fff, ..] => AddressClass::Reserved,
        [0x2000..=0x3fff, ..] => AddressClass::Public,
        // Only 2000::/3 has been given out.
        _ => AddressClass::Reserved,
    }
}

/// The IPv4 address inside a mapped, compatible, NAT64 (RFC 6052, RFC 8215) or 6to4 address.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let join = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x0064, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x0064, 0xff9b, 1, _, _, _, high, low]
        | [0x2002, high, low, ..] => Some(join(high, low)),
        _ => None,
    }
}

/// Whether a name that `reach` was given for may be `address`; if not, what it is.
///
/// A literal address that was listed passes. A name that was listed in full may be on this machine or the local network,
/// for whoever wrote it down meant that machine; what only a `*.suffix` covers may not, for then the owner of the suffix
/// would choose. Metadata services, multicast and reserved addresses pass only as listed literals.
#[cfg(any(feature = "http", feature = "websocket"))]
pub fn permits(reach: &Reach, address: IpAddr) -> Result<(), AddressClass> {
    if reach.listed.iter().any(|listed| listed.to_canonical() == address.to_canonical()) {
        return Ok(());
    }
    match AddressClass::of(address) {
        AddressClass::Public => Ok(()),
        AddressClass::Loopback | AddressClass::Private | AddressClass::SharedNat | AddressClass::LinkLocal
            if reach.named =>
        {
            Ok(())
        }
        class => Err(class),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn class(address: &str) -> AddressClass {
        AddressClass::of(address.parse().expect(address))
    }

    #[test]
    fn ordinary_servers_are_public() {
        for address in ["1.1.1.1", "93.184.215.14", "172.32.0.1", "100.128.0.1", "2606:4700:4700::1111", "2a00:1450::1"]
        {
            assert_eq!(class(address), AddressClass::Public, "{address}");
        }
    }

    #[test]
    fn inner_addresses_are_told_apart() {
        for (address, expected) in [
            ("127.0.0.1", AddressClass::Loopback),
            ("127.255.255.254", AddressClass::Loopback),
            ("::1", AddressClass::Loopback),
            ("10.0.0.1", AddressClass::Private),
            ("172.31.255.255", AddressClass::Private),
            ("192.168.1.1", AddressClass::Private),
            ("fd12:3456::1", AddressClass::Private),
            ("fec0::1", AddressClass::Private),
            ("100.64.0.1", AddressClass::SharedNat),
            ("169.254.1.1", AddressClass::LinkLocal),
            ("fe80::1", AddressClass::LinkLocal),
            ("169.254.169.254", AddressClass::Metadata),
            ("fd00:ec2::254", AddressClass::Metadata),
            ("224.0.0.251", AddressClass::Multicast),
            ("255.255.255.255", AddressClass::Multicast),
            ("ff02::1", AddressClass::Multicast),
            ("0.0.0.0", AddressClass::Unspecified),
            ("::", AddressClass::Unspecified),
            ("0.1.2.3", AddressClass::Reserved),
            ("240.0.0.1", AddressClass::Reserved),
            ("198.18.0.1", AddressClass::Reserved),
            ("2001:db8::1", AddressClass::Reserved),
            ("2001::1", AddressClass::Reserved),
            ("4000::1", AddressClass::Reserved),
        ] {
            assert_eq!(class(address), expected, "{address}");
        }
    }

    #[test]
    fn an_address_inside_an_address_is_seen() {
        for address in [
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "::ffff:0:127.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b:1::127.0.0.1",
            "2002:7f00:1::",
        ] {
            assert_eq!(class(address), AddressClass::Loopback, "{address}");
        }
        assert_eq!(class("::ffff:169.254.169.254"), AddressClass::Metadata);
        assert_eq!(class("64:ff9b::a9fe:a9fe"), AddressClass::Metadata);
        assert_eq!(class("::ffff:1.1.1.1"), AddressClass::Public);
        // 169.254.169.254 for a translator with a prefix of 48 bits, 8.8.8.8 for one with 96.
        assert_eq!(class("64:ff9b:1:a9fe:a9:fe00:808:808"), AddressClass::Private);
    }

    #[cfg(any(feature = "http", feature = "websocket"))]
    #[test]
    fn only_a_listed_name_or_address_leads_inside() {
        let address = |text: &str| text.parse::<IpAddr>().expect(text);
        let wild = Reach::default();
        let named = Reach { named: true, ..Reach::default() };
        let listed = Reach { named: false, listed: [address("192.168.1.5"), address("169.254.169.254")].into() };
        assert_eq!(permits(&wild, address("1.1.1.1")), Ok(()));
        assert_eq!(permits(&wild, address("127.0.0.1")), Err(AddressClass::Loopback));
        assert_eq!(permits(&named, address("127.0.0.1")), Ok(()));
        assert_eq!(permits(&named, address("169.254.169.254")), Err(AddressClass::Metadata));
        assert_eq!(permits(&named, address("0.0.0.0")), Err(AddressClass::Unspecified));
        assert_eq!(permits(&listed, address("192.168.1.5")), Ok(()));
        assert_eq!(permits(&listed, address("::ffff:192.168.1.5")), Ok(()));
        assert_eq!(permits(&listed, address("192.168.1.6")), Err(AddressClass::Private));
        assert_eq!(permits(&listed, address("169.254.169.254")), Ok(()));
    }
}
