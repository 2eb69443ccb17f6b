//! Functions of IP networks.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use num_bigint::BigInt;

use super::{Arguments, Function, FunctionError, VARIADIC, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("cidrhost", 2, 2, cidrhost),
    Function::new("cidrnetmask", 1, 1, cidrnetmask),
    Function::new("cidrsubnet", 3, 3, |args| {
        let network = network(args)?;
        let bits = additional_bits(args, 1, network)?;
        let number = whole(args, 2)?;
        if number.sign() == num_bigint::Sign::Minus || number.bits() > u64::from(bits) {
            return Err(FunctionError::new(format!("{bits} bits have no subnet {number}")).at(2));
        }
        let number = u128::try_from(&number).unwrap_or(0);
        Ok(Value::text(network.subnet(bits, number).to_string()))
    }),
    Function::new("cidrsubnets", 1, VARIADIC, cidrsubnets),
];

/// The maximal number of subnets of one call, and of bits by which one is smaller, as in Terraform.
const MAX_SUBNETS: usize = 1_024;
const MAX_ADDITIONAL_BITS: u32 = 32;

/// A network: its address, with zeros in the host part, and the length of its prefix.
#[derive(Clone, Copy)]
struct Network {
    address: u128,
    /// The number of bits of an address.
    width: u32,
    prefix: u32,
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        let is_number = !prefix.is_empty() && prefix.bytes().all(|digit| digit.is_ascii_digit());
        let prefix = prefix.parse::<u32>().ok().filter(|_| is_number)?;
        let (address, width, prefix) = if address.contains(':') {
            let address = address.parse::<Ipv6Addr>().ok()?;
            match (address.to_ipv4_mapped(), prefix.checked_sub(96)) {
                // As in Go, an address of IPv4 that is written as one of IPv6.
                (Some(mapped), Some(prefix)) => (u128::from(u32::from(mapped)), 32, prefix),
                _ => (u128::from(address), 128, prefix),
            }
        } else {
            (u128::from(parse_v4(address)?), 32, prefix)
        };
        if prefix > width {
            return None;
        }
        Some(Self { address: address & mask(width, prefix), width, prefix })
    }

    /// Returns a subnet whose prefix is longer.
    fn subnet(self, bits: u32, number: u128) -> Self {
        let prefix = (self.prefix + bits).min(self.width);
        let shifted = number.checked_shl(self.width - prefix).unwrap_or(0);
        Self { address: self.address | shifted, prefix, ..self }
    }

    fn ip(self, address: u128) -> IpAddr {
        match u32::try_from(address) {
            Ok(address) if self.width == 32 => IpAddr::V4(Ipv4Addr::from(address)),
            _ => IpAddr::V6(Ipv6Addr::from(address)),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ip(self.address), self.prefix)
    }
}

/// Returns the bits of a prefix.
fn mask(width: u32, prefix: u32) -> u128 {
    let all = if width == 128 { u128::MAX } else { (1 << width) - 1 };
    all & !all.checked_shr(prefix).unwrap_or(0)
}

/// Parses an address. As in Terraform, its parts may have zeros in front.
fn parse_v4(text: &str) -> Option<u32> {
    let mut address = 0_u32;
    let mut parts = 0;
    for part in text.split('.') {
        let is_number = (1..=3).contains(&part.len()) && part.bytes().all(|digit| digit.is_ascii_digit());
        address = address << 8 | u32::from(part.parse::<u8>().ok().filter(|_| is_number)?);
        parts += 1;
    }
    (parts == 4).then_some(address)
}

fn network(args: &Arguments<'_>) -> Result<Network, FunctionError> {
    let text = args.text(0)?;
    let example = || FunctionError::new("expected a network, such as `10.0.0.0/8`").at(0);
    Network::parse(&text).ok_or_else(example)
}

fn whole(args: &Arguments<'_>, index: usize) -> Result<BigInt, FunctionError> {
    args.number(index)?.as_big().map_or_else(|| args.type_mismatch(index, "a whole number"), Ok)
}

/// Returns the number of bits by which a subnet is smaller.
fn additional_bits(args: &Arguments<'_>, index: usize, network: Network) -> Result<u32, FunctionError> {
    let bits = whole(args, index)?;
    let free = network.width - network.prefix;
    u32::try_from(&bits).ok().filter(|bits| *bits <= free).ok_or_else(|| {
        FunctionError::new(format!("a prefix of {} bits can have 0 to {free} more, got {bits}", network.prefix))
            .at(index)
    })
}

fn cidrhost(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let network = network(args)?;
    let number = whole(args, 1)?;
    let hosts = BigInt::from(1_u8) << (network.width - network.prefix);
    // A negative number counts from the end.
    let position = if number.sign() == num_bigint::Sign::Minus { &hosts + &number } else { number.clone() };
    match u128::try_from(&position) {
        Ok(host) if position < hosts => Ok(Value::text(network.ip(network.address | host).to_string())),
        _ => Err(FunctionError::new(format!("a prefix of {} bits has no host {number}", network.prefix)).at(1)),
    }
}

fn cidrnetmask(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let network = network(args)?;
    if network.width != 32 {
        return Err(FunctionError::new("a network of IPv6 has no netmask").at(0));
    }
    Ok(Value::text(network.ip(mask(32, network.prefix)).to_string()))
}

fn cidrsubnets(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let network = network(args)?;
    if args.len() > MAX_SUBNETS {
        return Err(FunctionError::new(format!("at most {MAX_SUBNETS} subnets are supported")));
    }
    let too_many = || FunctionError::new("the network has no room for all subnets");
    let mut subnets = Vec::new();
    // The next free address; `None` at the end of all addresses.
    let mut next = Some(network.address);
    for index in 1..args.len() {
        let bits = additional_bits(args, index, network)?;
        if !(1..=MAX_ADDITIONAL_BITS).contains(&bits) {
            let message = format!("expected 1 to {MAX_ADDITIONAL_BITS} additional bits, got {bits}");
            return Err(FunctionError::new(message).at(index));
        }
        let prefix = network.prefix + bits;
        let size = 1_u128.checked_shl(network.width - prefix).unwrap_or(0);
        let start = next.and_then(|next| next.checked_next_multiple_of(size)).ok_or_else(too_many)?;
        if start & mask(network.width, network.prefix) != network.address
            || network.width == 32 && start > u128::from(u32::MAX)
        {
            return Err(too_many());
        }
        subnets.push(Network { address: start, prefix, ..network }.to_string());
        next = start.checked_add(size);
    }
    Ok(Value::texts(subnets))
}
