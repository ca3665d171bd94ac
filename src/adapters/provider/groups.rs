//! Asking Microsoft Graph about groups. What is asked and what the answers mean is in `protocol::graph`.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::HttpProvider;
use crate::adapters::http_client::Limits;
use crate::flow::ports::Provider as _;
use crate::protocol::graph::{self, Graph, GroupsFailed, Question};
use crate::protocol::secret::Secret;

#[cfg(test)]
mod tests;

/// All questions about one person are answered within this time or not at all: somebody waits.
const PATIENCE: Duration = Duration::from_secs(3);

/// So many questions about one person are under way at once.
const AT_ONCE: usize = 4;

impl HttpProvider {
    pub(super) async fn ask_about_groups(&self, access_token: &Secret<String>, groups: &[Arc<str>]) -> Result<Vec<Arc<str>>, GroupsFailed> {
        let late = |_| GroupsFailed::unavailable(format!("no answer within {} ms", PATIENCE.as_millis()));
        tokio::time::timeout(PATIENCE, self.ask_everything(access_token, groups)).await.map_err(late)?
    }

    async fn ask_everything(&self, access_token: &Secret<String>, groups: &[Arc<str>]) -> Result<Vec<Arc<str>>, GroupsFailed> {
        let metadata = self.metadata().await.map_err(|error| GroupsFailed::unavailable(error.0))?;
        let graph = Graph::of(&self.settings().expected, metadata.nature).ok_or(GroupsFailed::NoGraph)?;
        let authorization = Secret::new(format!("Bearer {}", access_token.expose()));
        let questions: Vec<_> = graph::questions(groups).map(|question| self.ask(&graph, question, &authorization)).collect();
        let answers: Vec<_> = stream::iter(questions).buffered(AT_ONCE).try_collect().await?;
        Ok(answers.concat())
    }

    async fn ask(&self, graph: &Graph, question: Question<'_>, authorization: &Secret<String>) -> Result<Vec<Arc<str>>, GroupsFailed> {
        let limits = Limits { bytes: graph::MAX_BYTES, time: PATIENCE };
        let sent = self.shared.http.post_json(graph.url(), authorization, question.body(), limits).await;
        let answer = sent.map_err(|fault| GroupsFailed::unavailable(fault.to_string()))?;
        question.read(answer.status.as_u16(), answer.retry_after, &answer.body)
    }
}
