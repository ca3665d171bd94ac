//! `homerealm dev-idp`: the development identity provider alone, for other people's tests.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Args;
use tokio::net::TcpListener;

use super::runtime::{self, LogFormat};
use super::{Verdict, print};
use crate::adapters::entropy::SystemEntropy;
use crate::dev_idp::{self, Logout, RedirectUris, Registration};
use crate::domain::origin::Origin;
use crate::flow::ports::Entropy as _;
use crate::protocol::secret::Secret;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 8081)]
    port: u16,

    /// The client id to accept
    #[arg(long, default_value = "homerealm")]
    client_id: String,

    /// The variable that holds the client's secret; without it one is made up and printed
    #[arg(long, value_name = "VARIABLE")]
    client_secret_env: Option<String>,

    /// How long access tokens hold, and so how soon sessions are refreshed
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    token_lifetime: u32,
}

pub(super) fn main(arguments: &Arguments) -> Verdict {
    let secret = match &arguments.client_secret_env {
        None => made_up_secret(),
        Some(variable) => match std::env::var(variable) {
            Ok(secret) if !secret.is_empty() => Secret::new(secret),
            _ => {
                print::complaint(format_args!("homerealm dev-idp: the variable {variable} is not set"));
                return Verdict::Errors;
            }
        },
    };
    runtime::log_to_stderr(LogFormat::Human);
    match runtime::start().and_then(|runtime| runtime.block_on(serve(arguments, secret))) {
        Ok(()) => Verdict::Fine,
        Err(error) => {
            print::complaint(format_args!("homerealm dev-idp: {error}"));
            Verdict::Errors
        }
    }
}

async fn serve(arguments: &Arguments, secret: Secret<String>) -> std::io::Result<()> {
    let stop = runtime::asked_to_stop()?;
    let listener = bind_to(IpAddr::V4(Ipv4Addr::LOCALHOST), arguments.port).await?;
    let address = listener.local_addr()?;
    let origin = format!("http://{}", SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port()));
    print::line(format_args!("development identity provider at {origin}/"));
    print::line("  authorities    /organizations/v2.0  /consumers/v2.0  /contoso.example/v2.0  /fabrikam.example/v2.0");
    print::line(format_args!("  client id      {}", arguments.client_id));
    match &arguments.client_secret_env {
        Some(variable) => print::line(format_args!("  client secret  from {variable}")),
        None => print::line(format_args!("  client secret  {}", secret.expose())),
    }
    print::line("  redirect URIs  any on this machine. For development only: whoever reaches it can be anybody.");
    let origin = Origin::parse(&origin).map_err(std::io::Error::other)?;
    let registrations = vec![registration(&arguments.client_id, secret)];
    let settings = dev_idp::Settings {
        token_lifetime: Duration::from_secs(arguments.token_lifetime.into()),
        ..dev_idp::Settings::new(origin, registrations)
    };
    dev_idp::serve(listener, settings, stop).await
}

/// Binds an address, or says which one is taken.
pub(super) async fn bind_to(address: IpAddr, port: u16) -> std::io::Result<TcpListener> {
    let address = SocketAddr::new(address, port);
    let taken =
        |error: std::io::Error| std::io::Error::new(error.kind(), format!("cannot listen on {address}: {error}. Try another --port"));
    TcpListener::bind(address).await.map_err(taken)
}

/// A client secret for this one run.
pub(super) fn made_up_secret() -> Secret<String> {
    let mut bytes = [0; 24];
    SystemEntropy.fill(&mut bytes);
    Secret::new(URL_SAFE_NO_PAD.encode(bytes))
}

/// An app on this machine.
pub(super) fn registration(client_id: &str, secret: Secret<String>) -> Registration {
    Registration {
        client_id: client_id.into(),
        client_secret: Some(secret),
        public_key: None,
        redirect_uris: RedirectUris::AnyLoopback,
        logout: Logout::BesideRedirectUri,
    }
}
