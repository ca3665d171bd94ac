//! Addresses of stores as people write them, and as they should not.

use super::*;

fn redis(text: &str) -> RedisAddress {
    match StoreAddress::parse(text) {
        Ok(StoreAddress::Redis(address)) => address,
        other => panic!("{text}: {other:?}"),
    }
}

fn nodes(address: &RedisAddress) -> Vec<(&str, u16)> {
    address.nodes.iter().map(|(host, port)| (host.as_str(), *port)).collect()
}

#[test]
fn stores_of_this_machine_are_words_and_folders() {
    for (text, expected) in [
        ("cookie", StoreAddress::Cookie),
        ("memory", StoreAddress::Memory),
        ("file:/var/lib/homerealm", StoreAddress::File("/var/lib/homerealm".into())),
        ("file:state", StoreAddress::File("state".into())),
    ] {
        assert_eq!(StoreAddress::parse(text), Ok(expected), "{text}");
    }
}

#[test]
fn one_redis_is_a_host_a_port_and_a_database() {
    for (text, host, port, database) in [
        ("redis://redis.internal", "redis.internal", 6379, 0),
        ("redis://Redis_1:7000", "redis_1", 7000, 0),
        ("redis://127.0.0.1/", "127.0.0.1", 6379, 0),
        ("redis://[::1]/3", "::1", 6379, 3),
        ("redis://[fd00::7]:7000/255", "fd00::7", 7000, 255),
    ] {
        let address = redis(text);
        assert_eq!((nodes(&address), address.database), (vec![(host, port)], database), "{text}");
        assert_eq!((&address.topology, &address.transport, &address.username), (&Topology::Single, &Transport::Plain, &None), "{text}");
    }
    assert_eq!(redis("rediss://redis.internal").transport, Transport::Tls { ca_pem: None });
    assert_eq!(redis("redis://home%40realm@redis.internal").username.as_deref(), Some("home@realm"));
}

#[test]
fn several_hosts_are_sentinels_or_nodes_of_a_cluster() {
    let address = redis("redis://homerealm@s1,s2:26380,[::1]/2?sentinel=my-primary");
    assert_eq!(nodes(&address), [("s1", 26379), ("s2", 26380), ("::1", 26379)]);
    assert_eq!(address.topology, Topology::Sentinel { primary: "my-primary".into() });
    assert_eq!((address.database, address.username.as_deref()), (2, Some("homerealm")));

    let address = redis("rediss://n1:7001,n2:7002/0?cluster=true");
    assert_eq!((nodes(&address), &address.topology), (vec![("n1", 7001), ("n2", 7002)], &Topology::Cluster));
    assert_eq!(redis("redis://n1?cluster=true").topology, Topology::Cluster, "one is enough to find the others");
}

#[test]
fn what_is_no_address_is_told_apart() {
    let many = format!("redis://{}?cluster=true", (0..17).map(|n| format!("n{n}")).collect::<Vec<_>>().join(","));
    for (text, expected) in [
        ("", BadAddress::Kind),
        ("cookies", BadAddress::Kind),
        ("Cookie", BadAddress::Kind),
        ("cookie:", BadAddress::Kind),
        ("memory:1", BadAddress::Kind),
        ("postgres://db", BadAddress::Kind),
        ("REDIS://host", BadAddress::Kind),
        ("redis", BadAddress::Kind),
        ("redis:host", BadAddress::Kind),
        ("redis+unix:///run/redis.sock", BadAddress::Kind),
        ("file:a\0b", BadAddress::Kind),
        ("file:", BadAddress::NoFolder),
        ("file:///var/lib/homerealm", BadAddress::FolderAsUrl),
        ("file:~/homerealm", BadAddress::HomeFolder),
        ("redis://:hunter2@host", BadAddress::Password),
        ("redis://user:hunter2@host", BadAddress::Password),
        ("redis://user:hun/ter?2#@host", BadAddress::Password),
        ("rediss://user:@host", BadAddress::Password),
        ("redis://@host", BadAddress::User),
        ("redis://a%20b@host", BadAddress::User),
        ("redis://a%ff@host", BadAddress::User),
        ("redis://", BadAddress::NoHost),
        ("redis:///0", BadAddress::NoHost),
        ("redis://:6379", BadAddress::NoHost),
        ("redis://a,,b?cluster=true", BadAddress::NoHost),
        ("redis://a,?cluster=true", BadAddress::NoHost),
        ("redis://a b", BadAddress::Host),
        ("redis://::1", BadAddress::NoHost),
        ("redis://[::1", BadAddress::Host),
        ("redis://a#0", BadAddress::Host),
        ("redis://[::1]x:7000", BadAddress::Host),
        ("redis://a:", BadAddress::Port),
        ("redis://a:0", BadAddress::Port),
        ("redis://a:+7", BadAddress::Port),
        ("redis://a:65536", BadAddress::Port),
        ("redis://a,A:6379?cluster=true", BadAddress::Repeated),
        (&many, BadAddress::TooMany),
        ("redis://a/x", BadAddress::Database),
        ("redis://a/256", BadAddress::Database),
        ("redis://a/+1", BadAddress::Database),
        ("redis://a/0/1", BadAddress::Database),
        ("redis://a/0#1", BadAddress::Database),
        ("redis://a/1?cluster=true", BadAddress::ClusterDatabase),
        ("redis://a?", BadAddress::Parameter),
        ("redis://a?cluster", BadAddress::Parameter),
        ("redis://a?cluster=false", BadAddress::Parameter),
        ("redis://a?sentinel=", BadAddress::Parameter),
        ("redis://a?sentinel=a&cluster=true", BadAddress::Parameter),
        ("redis://a?password=hunter2", BadAddress::Parameter),
        ("redis://a,b", BadAddress::Several),
    ] {
        let error = StoreAddress::parse(text).expect_err(text);
        assert_eq!(error, expected, "{text}");
        assert!(!error.to_string().contains("hunter2"), "{text}: {error}");
    }
}

#[test]
fn only_this_machine_is_loopback() {
    for text in ["redis://localhost", "redis://127.8.9.10", "redis://[::1],localhost?cluster=true"] {
        assert!(redis(text).is_on_loopback(), "{text}");
    }
    for text in ["redis://10.0.0.1", "redis://localhost.example", "redis://localhost,redis.internal?cluster=true"] {
        assert!(!redis(text).is_on_loopback(), "{text}");
    }
}

#[test]
fn addresses_differ_by_everything_that_is_said_of_them() {
    let with = |text: &str, password: Option<&str>| RedisAddress {
        password: password.map(|password| Secret::new(password.to_owned())),
        ..redis(text)
    };
    let one = with("redis://a", Some("x"));
    assert_eq!(one, with("redis://a:6379/0", Some("x")));
    for other in [
        with("redis://b", Some("x")),
        with("redis://a/1", Some("x")),
        with("rediss://a", Some("x")),
        with("redis://a", Some("y")),
        with("redis://a", None),
    ] {
        assert_ne!(one, other);
    }
}

#[test]
fn another_password_is_no_other_place() {
    let read = |text: &str, password: &str| match StoreAddress::parse(text) {
        Ok(StoreAddress::Redis(address)) => {
            StoreAddress::Redis(RedisAddress { password: Some(Secret::new(password.to_owned())), ..address })
        }
        Ok(other) => other,
        Err(error) => panic!("{text}: {error}"),
    };
    let here = read("redis://a@h/1", "x");
    let rotated = read("redis://a@h/1", "y");
    assert!(here != rotated && !here.is_elsewhere(&rotated));
    for other in ["redis://a@h/2", "redis://b@h/1", "redis://a@g/1", "rediss://a@h/1", "redis://a@h/1?sentinel=s", "memory", "file:h"] {
        let other = read(other, "x");
        assert!(here.is_elsewhere(&other) && other.is_elsewhere(&here) && !other.is_elsewhere(&other), "{other:?}");
    }
}
