//! `GET {prefix}/assets/…`: style sheet, icons and logo of our pages.

use axum::Extension;
use axum::extract::Path;

use super::Asked;
use crate::domain::reason::Reason;
use crate::proxy::call::Verdict;
use crate::proxy::respond::Told;

pub(super) async fn serve(Extension(asked): Extension<Asked>, Path(name): Path<String>) -> Told {
    match asked.shared.assets.response(&name, asked.visit.target.query()) {
        Some(response) => Told::new(response, Verdict::allow(Reason::Public)),
        None => asked.reply().refuse_for(Reason::NoRoute),
    }
}
