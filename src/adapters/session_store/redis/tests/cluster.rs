//! A cluster of three primaries.

use std::process::Command;

use super::ports::free_ports;
use super::server::Redis;
use super::*;
use crate::adapters::session_store::conformance::{handle, holds};

/// Starts it. `{port}` in these settings is each node's own; `create` is how its command line client gets there.
pub(super) fn three_nodes(settings: &[&str], create: &[&str]) -> Vec<Redis> {
    let node = |_| {
        let (port, bus) = (free_ports(1), free_ports(1).to_string());
        let own = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1500", "--cluster-port", &bus];
        let settings: Vec<_> = own.iter().chain(settings).map(|setting| setting.replace("{port}", &port.to_string())).collect();
        Redis::start_at(port, &settings.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let nodes: Vec<_> = (0..3).map(node).collect();
    let addresses: Vec<_> = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
    let mut command = Command::new("redis-cli");
    command.args(create).args(["--cluster", "create"]).args(&addresses).args(["--cluster-replicas", "0", "--cluster-yes"]);
    let output = command.output().expect("redis-cli is installed");
    assert!(output.status.success(), "{output:?}");
    nodes
}

#[tokio::test]
async fn a_cluster_keeps_every_promise() {
    let nodes = three_nodes(&[], &[]);
    let store = store(&format!("redis://127.0.0.1:{}?cluster=true", nodes[0].port));
    until("the cluster answers", || async { store.read(handle()).await.is_ok() }).await;
    holds(&Real(store)).await;
    for node in &nodes {
        let records = node.ask(&["DBSIZE"]).trim().parse::<u64>().expect("a number");
        assert!(records > 100, "every node has its part, and this one has {records}");
    }
}

#[tokio::test]
async fn a_list_does_not_go_on_at_a_node_that_is_none() {
    let nodes = three_nodes(&[], &[]);
    let store = store(&format!("redis://127.0.0.1:{}?cluster=true", nodes[0].port));
    until("the cluster answers", || async { store.read(handle()).await.is_ok() }).await;
    for made_up in ["0", "0@127.0.0.1:1", "0@", "x@127.0.0.1:7000"] {
        assert!(matches!(store.list(Some(Cursor(made_up.into()))).await, Err(StoreFailed::NotDone(_))), "{made_up}");
    }
    let begin = Cursor(format!("0@127.0.0.1:{}", nodes[0].port));
    assert!(store.list(Some(begin)).await.is_ok());
}

#[tokio::test]
async fn a_cluster_that_was_gone_is_used_again_in_part_and_as_a_whole() {
    let mut nodes = three_nodes(&["--appendonly", "yes", "--appendfsync", "always"], &[]);
    let store = store(&format!("redis://127.0.0.1:{}?cluster=true", nodes[0].port));
    until("the cluster answers", || async { store.read(handle()).await.is_ok() }).await;
    let mut acknowledged = Vec::new();
    for _ in 0..30 {
        let handle = handle();
        until("the cluster takes it", || async { store.insert(handle, &fresh(1, "first")).await.is_ok() }).await;
        acknowledged.push(handle);
    }
    let are_all_there = async || {
        for handle in &acknowledged {
            match store.read(*handle).await {
                Ok(read) => assert!(read.record.is_some(), "an outage is no absence"),
                Err(_) => return false,
            }
        }
        true
    };
    for node in &nodes {
        node.signal("STOP");
    }
    assert!(matches!(store.read(acknowledged[0]).await, Err(StoreFailed::NotDone(_))));
    for node in &nodes {
        node.signal("CONT");
    }
    until("all is there after a standstill", &are_all_there).await;
    nodes[1].kill();
    assert!(!are_all_there().await, "a part of it is gone");
    nodes[1].start_again();
    until("all is there after a restart of one node", &are_all_there).await;
}
