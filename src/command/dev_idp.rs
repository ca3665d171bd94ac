//! `homerealm dev-idp`: the development identity provider alone, for other people's tests.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use clap::Args;
use tokio::net::TcpListener;

use super::runtime::{self, LogFormat};
use super::{Verdict, print};
use crate::dev_idp;

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
}

pub(super) fn main(arguments: &Arguments) -> Verdict {
    let secret = match &arguments.client_secret_env {
        None => dev_idp::made_up_secret(),
        Some(variable) => match std::env::var(variable) {
            Ok(secret) if !secret.is_empty() => secret,
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

async fn serve(arguments: &Arguments, secret: String) -> std::io::Result<()> {
    let stop = runtime::asked_to_stop()?;
    let listener = TcpListener::bind(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), arguments.port)).await?;
    let address = listener.local_addr()?;
    let origin = format!("http://{}", SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port()));
    print::line(format_args!("development identity provider at {origin}/"));
    print::line("  authorities    /organizations/v2.0  /consumers/v2.0  /contoso.example/v2.0  /fabrikam.example/v2.0");
    print::line(format_args!("  client id      {}", arguments.client_id));
    match &arguments.client_secret_env {
        Some(variable) => print::line(format_args!("  client secret  from {variable}")),
        None => print::line(format_args!("  client secret  {secret}")),
    }
    print::line("  redirect URIs  any on this machine. For development only: whoever reaches it can be anybody.");
    let registration = dev_idp::Registration::for_any_loopback_redirect(&arguments.client_id, secret);
    dev_idp::serve(listener, dev_idp::Settings::new(origin, vec![registration]), stop).await
}
