//! Asking the authority for a session's claims anew, and judging what it answers.

use std::sync::Arc;

use super::flights::Asked;
use crate::domain::session::Session;
use crate::domain::time::Timestamp;
use crate::flow::authority::{Authority, NotJudged};
use crate::flow::groups::{self, Completion, OpenQuestions};
use crate::flow::keeper::Keeper;
use crate::flow::tokens;
use crate::protocol::id_token::{ExpectedAgain, RefreshDefect, ValidatedIdToken, judge_refreshed};
use crate::protocol::secret::Secret;
use crate::protocol::session_record::SessionRecord;
use crate::protocol::token::{HomeTenant, RedeemError, RefreshedTokens};

/// What came of it.
pub(super) enum Reply {
    /// The claims are about somebody else, or for somebody else.
    Changed,
    /// No new claims.
    Failed(Asked),
    /// `invalid_grant`
    Refused,
    /// The session as it is from now on.
    Renewed(SessionRecord),
    /// The refresh token is spent and there is another, but nothing can be made of the claims.
    Spoilt(SessionRecord),
}

/// Asks, if it is this session's turn.
pub(super) async fn ask(keeper: &Keeper, authority: &Authority, record: &SessionRecord, token: &Secret<String>) -> Reply {
    let Some(pass) = keeper.flights.gate(&authority.name).enter(&*keeper.clock).await else {
        return Reply::Failed(Asked::InVain);
    };
    let answer = match authority.provider.refresh(token).await {
        Ok(answer) => answer,
        Err(RedeemError::GrantRefused(error)) => {
            pass.answered();
            let (authority, session) = (&authority.name, record.session.id);
            tracing::info!(%authority, %session, error, "The provider of {authority} goes on with a session no more");
            return Reply::Refused;
        }
        // It is about this session: that somebody has to do something at the provider says nothing about everybody else.
        Err(RedeemError::Provider(error)) => {
            pass.answered();
            let (authority, session) = (&authority.name, record.session.id);
            tracing::warn!(%authority, %session, fault = "provider", error, "A session cannot be refreshed at {authority} and goes on as it is");
            return Reply::Failed(Asked::InVain);
        }
        Err(error @ (RedeemError::Unanswered(_) | RedeemError::Unreadable(_))) => {
            pass.failed(&error, keeper.clock.now());
            return Reply::Failed(Asked::Unanswered);
        }
        Err(error @ (RedeemError::ClientRefused(_) | RedeemError::Unavailable(_))) => {
            pass.failed(&error, keeper.clock.now());
            return Reply::Failed(Asked::InVain);
        }
    };
    pass.answered();
    judge(keeper, authority, record, answer).await
}

async fn judge(keeper: &Keeper, authority: &Authority, record: &SessionRecord, answer: RefreshedTokens) -> Reply {
    let judged = match &answer.id_token {
        None => Ok(None),
        Some(raw) => judge_token(authority, record, raw, &answer, keeper.clock.now()).await.map(Some),
    };
    let now = keeper.clock.now();
    let defect = match judged {
        Ok(told) => {
            let mut session = told.map_or_else(|| record.session.clone(), |told| retold(&record.session, told));
            let mut tokens = tokens::of_refresh(answer, &record.tokens, &session.principal, now);
            let OpenQuestions { named, .. } = &*keeper.questions;
            let completion = groups::complete(authority, &mut session.principal, tokens.access_token.as_ref(), named).await;
            if let Completion::Postponed(wait) = completion {
                keeper.questions.postpone(session.id, wait);
            }
            tokens.access_token = completion.still_needs(tokens.access_token);
            tracing::debug!(authority = %authority.name, session = %session.id, "A session was refreshed");
            return Reply::Renewed(SessionRecord { session, tokens });
        }
        Err(defect) => defect,
    };
    let (authority, session) = (&authority.name, record.session.id);
    match defect {
        Defect::Changed(claim) => {
            tracing::warn!(%authority, %session, claim, "A refresh at {authority} brought a token with another `{claim}`: the session is over");
            return Reply::Changed;
        }
        Defect::HomeUnreadable => {
            tracing::warn!(%authority, %session, fault = "provider", "A refresh at {authority} brought a `client_info` that cannot be read; the claims stay as they are");
        }
        Defect::NotJudged(error) => {
            tracing::warn!(%authority, %session, fault = "provider", %error, "A refresh at {authority} brought a token that does not hold; the claims stay as they are");
        }
    }
    let tokens = tokens::of_spoilt_refresh(answer.refresh_token, &record.tokens, now);
    Reply::Spoilt(SessionRecord { session: record.session.clone(), tokens })
}

enum Defect {
    Changed(&'static str),
    HomeUnreadable,
    NotJudged(NotJudged),
}

async fn judge_token(
    authority: &Authority,
    record: &SessionRecord,
    raw: &Secret<String>,
    answer: &RefreshedTokens,
    now: Timestamp,
) -> Result<ValidatedIdToken, Defect> {
    let home_tenant = match answer.home_tenant {
        HomeTenant::Told(home) => Some(home),
        HomeTenant::Untold => None,
        HomeTenant::Unreadable => return Err(Defect::HomeUnreadable),
    };
    let unavailable = |error| Defect::NotJudged(NotJudged::Unavailable(error));
    let metadata = authority.provider.metadata().await.map_err(unavailable)?;
    let expected = ExpectedAgain {
        authority: &authority.name,
        kind: authority.kind,
        pinning: authority.issuer.pinning(),
        issuer: &metadata.issuer,
        client_id: &authority.client_id,
        access_token: answer.access_token.as_ref(),
        home_tenant,
        nonce: record.tokens.nonce,
        known: &record.session.principal,
    };
    let judged = authority.judge_with(|keys| match judge_refreshed(raw, &expected, keys, now) {
        Ok(told) => Ok(Ok(told)),
        Err(RefreshDefect::Changed(claim)) => Ok(Err(Defect::Changed(claim))),
        Err(RefreshDefect::Token(defect)) => Err(defect),
    });
    judged.await.map_err(Defect::NotJudged)?
}

/// The same session with newer claims. What the authority calls its own session stays what it was: by that name we are told
/// that it has ended.
fn retold(session: &Session, told: ValidatedIdToken) -> Session {
    Session {
        principal: told.principal,
        sign_out_hint: told.sign_out_hint.or_else(|| session.sign_out_hint.clone()),
        provider_session: session.provider_session.as_ref().map(Arc::clone).or(told.provider_session),
        ..session.clone()
    }
}
