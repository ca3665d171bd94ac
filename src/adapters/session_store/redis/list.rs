//! Telling which records there are: with SCAN, a piece at a time, one primary after the other. What is there from beginning
//! to end is told; what comes or goes meanwhile may be, and a record may be told twice if Redis reorganises itself under way.

use std::collections::HashSet;
use std::sync::Arc;

use redis::cmd;

use super::cluster::Node;
use super::line::{Ask, Line, Put};
use super::{keys, typed};
use crate::flow::ports::{Cursor, Listed, StoreFailed};

/// So many keys are looked at in one step, records or not.
const STEP: usize = 500;

/// A page ends with the step that has so many records, …
const ENOUGH: usize = 200;

/// … or after so many steps, in a Redis that is full of other things.
const MOST_STEPS: usize = 20;

/// Where a list is: at which primary, counted in the order of their addresses, and where there.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    /// Empty without a cluster.
    node: Option<Node>,
    at: u64,
}

impl Place {
    /// Cursors come back from outside.
    fn parse(cursor: &Cursor) -> Option<Self> {
        const LONGEST: usize = 300;
        let text = Some(cursor.0.as_str()).filter(|text| text.len() <= LONGEST)?;
        let number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten();
        match text.split_once('@') {
            None => Some(Self { node: None, at: number(text)? }),
            Some((at, node)) => {
                let (host, port) = node.rsplit_once(':')?;
                Some(Self { node: Some((host.to_owned(), port.parse().ok()?)), at: number(at)? })
            }
        }
    }

    fn cursor(&self) -> Cursor {
        Cursor(match &self.node {
            None => self.at.to_string(),
            Some((host, port)) => format!("{}@{host}:{port}", self.at),
        })
    }
}

/// Some records' summaries, and where to go on.
pub(super) async fn page(line: &Arc<Line>, from: Option<Cursor>) -> Result<Listed, StoreFailed> {
    let nodes: Vec<Node> = typed(line.ask(&Ask::read(Put::Primaries)).await?)?;
    let mut place = match from {
        None => Place { node: nodes.first().cloned(), at: 0 },
        Some(cursor) => Place::parse(&cursor).ok_or_else(|| StoreFailed::NotDone("this is not a place in the list".into()))?,
    };
    let is_there = place.node.as_ref().map_or(nodes.is_empty(), |node| nodes.contains(node));
    if !is_there {
        return Err(StoreFailed::NotDone("the nodes of the cluster have changed: begin the list anew".into()));
    }
    let (mut found, mut next) = (HashSet::new(), None);
    for _ in 0..MOST_STEPS {
        let (at, keys) = step(line, &place).await?;
        found.extend(keys.iter().filter_map(|key| keys::handle(key)));
        next = following(&place, at, &nodes);
        match &next {
            Some(next) if found.len() < ENOUGH => place = next.clone(),
            Some(_) | None => break,
        }
    }
    let handles: Vec<_> = found.into_iter().collect();
    let mut records = Vec::with_capacity(handles.len());
    if !handles.is_empty() {
        let summary = |handle| cmd("HGET").arg(keys::record(handle)).arg("summary").to_owned();
        let questions: Vec<_> = handles.iter().copied().map(summary).collect();
        let summaries: Vec<Option<String>> = typed(line.ask(&Ask::read(Put::All(&questions))).await?)?;
        // One that went meanwhile has none.
        let both = handles.into_iter().zip(summaries);
        records.extend(both.filter_map(|(handle, summary)| Some((handle, summary?.into()))));
    }
    Ok(Listed { records, next: next.map(|place| place.cursor()) })
}

async fn step(line: &Arc<Line>, place: &Place) -> Result<(u64, Vec<String>), StoreFailed> {
    let mut scan = cmd("SCAN");
    scan.arg(place.at).arg("MATCH").arg(keys::RECORDS).arg("COUNT").arg(STEP);
    let put = place.node.as_ref().map_or(Put::One(&scan), |node| Put::At(node, &scan));
    typed(line.ask(&Ask::read(put)).await?)
}

/// Where to go on after a step that ended there: 0 is the end of a node.
fn following(place: &Place, at: u64, nodes: &[Node]) -> Option<Place> {
    if at != 0 {
        return Some(Place { node: place.node.clone(), at });
    }
    let node = place.node.as_ref().and_then(|node| nodes.iter().find(|next| *next > node))?;
    Some(Place { node: Some(node.clone()), at: 0 })
}
