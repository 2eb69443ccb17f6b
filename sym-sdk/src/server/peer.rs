//! Peers: the address from which a request comes, also behind proxies.
//!
//! The header `X-Forwarded-For` can be written by anybody, so it is read only if the connection comes from a listed proxy, and from its
//! right end: the first address that is not a listed proxy is the client's. Whatever stands left of that was written by the client.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap};

use crate::runtime::ip_range::IpRange;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The origin of a request, for limits of what is not authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ClientAddress {
    /// The address, of IPv6 the first 64 bits: one client usually has all others of them.
    pub(crate) network: IpAddr,
    /// Whether a listed proxy has named it. Otherwise many clients may share it.
    pub(crate) is_forwarded: bool,
}

/// Returns the address from which the connection of a request comes. `None` in a test that calls the routes directly.
pub(crate) fn peer_of(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip().to_canonical())
}

/// Returns the address of the client. Without a peer, as in a test that calls the routes directly, it is unspecified.
pub(crate) fn client_address(extensions: &Extensions, headers: &HeaderMap, proxies: &[IpRange]) -> ClientAddress {
    let peer = peer_of(extensions).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let is_proxy = |address: IpAddr| proxies.iter().any(|range| range.contains(address));
    let (mut address, mut is_forwarded) = (peer, false);
    if is_proxy(peer) {
        let values = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
        let hops: Vec<&str> = values.flat_map(|value| value.split(',')).map(str::trim).collect();
        for hop in hops.into_iter().rev() {
            let Some(hop) = forwarded_address(hop) else { break };
            (address, is_forwarded) = (hop, true);
            if !is_proxy(hop) {
                break;
            }
        }
    }
    ClientAddress { network: network(address), is_forwarded }
}

/// Parses an address as proxies write it: with or without a port.
fn forwarded_address(text: &str) -> Option<IpAddr> {
    let address: Option<IpAddr> = text.parse().ok();
    let with_port = || text.parse().ok().map(|address: SocketAddr| address.ip());
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    address.or_else(with_port).or_else(bracketed).map(|address| address.to_canonical())
}

fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address_of(peer: &str, forwarded: &[&str], proxies: &[&str]) -> String {
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 4_711)));
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, value.parse().unwrap());
        }
        let proxies: Vec<IpRange> = proxies.iter().map(|range| range.parse().unwrap()).collect();
        client_address(&extensions, &headers, &proxies).network.to_string()
    }

    /// The left end is whatever the client has written.
    #[test]
    fn forwarded_addresses_are_read_from_the_right_and_from_listed_proxies_alone() {
        let proxies = ["10.0.0.0/8", "2001:db8::/32"];
        let table: [(&str, &[&str], &str); 9] = [
            ("192.0.2.1", &[], "192.0.2.1"),
            ("192.0.2.1", &["198.51.100.7"], "192.0.2.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["6.6.6.6, 198.51.100.7, 10.9.9.9"], "198.51.100.7"),
            ("10.0.0.1", &["6.6.6.6", "198.51.100.7:8080"], "198.51.100.7"),
            ("10.0.0.1", &["198.51.100.7, nobody"], "10.0.0.1"),
            ("::ffff:10.0.0.1", &["[2a00:1:2:3:4:5:6:7]:443"], "2a00:1:2:3::"),
            ("2001:db8::1", &["::ffff:198.51.100.7"], "198.51.100.7"),
        ];
        for (peer, forwarded, expected) in table {
            assert_eq!(address_of(peer, forwarded, &proxies), expected, "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn parses_ranges() {
        for text in ["10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32", "0.0.0.0/0"] {
            assert_eq!(text.parse::<IpRange>().unwrap().to_string(), text);
        }
        for text in ["", "10.0.0.0/33", "10.0.0/8", "x/8", "10.0.0.0/x", "::/129"] {
            assert!(text.parse::<IpRange>().is_err(), "{text}");
        }
        assert!("0.0.0.0/0".parse::<IpRange>().unwrap().contains("9.9.9.9".parse().unwrap()));
    }
}
