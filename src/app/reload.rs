//! Reading the configuration again, while everything goes on: one task does it, one time after the other. A new
//! configuration is complete before a single pointer is swapped; a bad one changes nothing, and is told once.

mod due;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use self::due::Due;
use super::Source;
use super::control::{Ask, Steering};
use super::entering::Entering;
use super::generation::{BuildError, Lasting, Legacy};
use crate::adapters::watch::Watch;
use crate::admin::control::{Control as _, Live, Outcome, Reload};
use crate::config::files_read::FilesRead;
use crate::config::report::Colours;
use crate::config::{self, AccessLog, AdminListen, Audit, Config, LimitSettings};
use crate::domain::route::RouteTable;
use crate::protocol::listen_address::ListenAddress;
use crate::protocol::store_address::StoreAddress;
use crate::proxy::generation::InForce;

/// Longer than reading some small files ever takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// Puts configurations in force.
pub(super) struct Reloader {
    pub(super) lasting: Lasting,
    pub(super) legacy: Legacy,
    pub(super) entering: Entering,
    pub(super) in_force: InForce,
    pub(super) standing: Standing,
    pub(super) steering: Arc<Steering>,
    /// What was read the last time, if nothing could be made of it, and why.
    pub(super) refused: Option<(FilesRead, String)>,
}

/// What a new configuration is held against.
pub(super) struct Standing {
    /// What was read for the configuration in force.
    files: FilesRead,
    warnings: Vec<String>,
    /// Keys of the configuration in force that were not taken over.
    wants_restart: Vec<&'static str>,
    // The others are of the first configuration: only a restart changes what they say.
    pub(super) listen: Vec<ListenAddress>,
    limits: LimitSettings,
    pub(super) admin: Option<AdminListen>,
    store: StoreAddress,
    access_log: AccessLog,
    audit: Option<Audit>,
}

/// Why the configuration is read again.
enum Cause {
    /// Somebody asked, and waits for what comes of it.
    Asked(Ask),
    /// It was time to look; it is read if something has changed.
    Looked,
}

impl Standing {
    /// At the start.
    pub(super) fn of(config: &Config) -> Self {
        Self {
            files: config.files.clone(),
            warnings: warnings(config),
            wants_restart: Vec::new(),
            listen: config.listen.clone(),
            limits: config.limits,
            admin: config.admin.clone(),
            store: config.session.store.clone(),
            access_log: config.access_log,
            audit: config.audit.clone(),
        }
    }

    /// The keys that a configuration changes in vain.
    fn wants_restart(&self, config: &Config) -> Vec<&'static str> {
        let is_elsewhere = self.store.is_elsewhere(&config.session.store);
        let keys = [
            ("listen", self.listen != config.listen),
            ("limits", self.limits != config.limits),
            ("admin.listen", self.admin != config.admin),
            ("session.store", is_elsewhere),
            ("session.store_password", self.store != config.session.store && !is_elsewhere),
            ("telemetry.access_log", self.access_log != config.access_log),
            ("telemetry.audit", self.audit != config.audit),
        ];
        keys.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect()
    }
}

impl Reloader {
    /// Reads again when asked to and when files have changed, for ever.
    pub(super) async fn run(mut self, source: Source, mut asks: mpsc::Receiver<Ask>) {
        let (path, look_every) = match source {
            Source::File { path, look_every } => (path, look_every),
            Source::Nowhere => {
                while let Some(ask) = asks.recv().await {
                    self.answer(Cause::Asked(ask), Outcome::Unchanged);
                }
                return;
            }
        };
        let mut watch = Watch::new(&self.standing.files.paths);
        let mut due = Due::default();
        let mut beat = tokio::time::interval(look_every);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let cause = tokio::select! {
                ask = asks.recv() => match ask {
                    Some(ask) => Cause::Asked(ask),
                    None => return,
                },
                _ = beat.tick() => Cause::Looked,
            };
            // Files block.
            let looking = tokio::task::spawn_blocking(move || {
                let change = watch.look();
                (watch, change)
            });
            let Ok((looked, change)) = looking.await else { return };
            watch = looked;
            let is_due = due.is_now(change, Instant::now());
            if matches!(cause, Cause::Looked) && !is_due {
                continue;
            }
            watch.act();
            let outcome = self.reload(&path, &mut watch, &cause).await;
            self.answer(cause, outcome);
        }
    }

    async fn reload(&mut self, path: &Path, watch: &mut Watch, cause: &Cause) -> Outcome {
        let file = path.to_owned();
        // A pipe that nobody writes to, or a network mount that hangs, must not end reloading for good.
        let loading = tokio::time::timeout(PATIENCE, tokio::task::spawn_blocking(move || config::load_with_files(&file)));
        let why = match loading.await {
            Ok(Ok(loaded)) => Ok(loaded),
            Ok(Err(_)) => Err("reading it failed, by a mistake in homerealm itself".to_owned()),
            Err(_) => Err(format!("reading it, or a file that it names, takes longer than {} seconds", PATIENCE.as_secs())),
        };
        let (loaded, files) = match why {
            Ok(loaded) => loaded,
            Err(why) => return self.refuse(FilesRead::default(), format!("{}: {why}", path.display()), cause),
        };
        // If it is bad, this may be mended by another of its files.
        watch.follow(&files.paths);
        match loaded {
            Err(problems) => self.refuse(files, problems.to_string(), cause),
            Ok(_) if files == self.standing.files => self.leave(cause),
            Ok(config) => match self.apply(config) {
                Ok(()) => Outcome::Applied,
                Err(error) => self.refuse(files, error.to_string(), cause),
            },
        }
    }

    /// The configuration in force is made of exactly these files.
    fn leave(&mut self, cause: &Cause) -> Outcome {
        match (self.refused.take(), cause) {
            (Some(_), _) => tracing::info!("The configuration is again the one that is in force"),
            (None, Cause::Asked(_)) => tracing::info!("The configuration was read again: nothing has changed"),
            (None, Cause::Looked) => {}
        }
        Outcome::Unchanged
    }

    fn refuse(&mut self, files: FilesRead, problems: String, cause: &Cause) -> Outcome {
        let refusal = Some((files, problems.clone()));
        match (self.refused == refusal, cause) {
            (false, _) => tracing::error!("The configuration cannot be used, the one from before stays in force:\n{problems}"),
            (true, Cause::Asked(_)) => tracing::warn!("The configuration has not changed since it was found unusable"),
            (true, Cause::Looked) => {}
        }
        self.refused = refusal;
        Outcome::Refused { problems }
    }

    fn apply(&mut self, config: Config) -> Result<(), BuildError> {
        let live = self.lasting.live(&config);
        let wants_restart = self.standing.wants_restart(&config);
        let (files, warnings) = (config.files.clone(), warnings(&config));
        let entrance = self.entering.prepare(&config)?;
        let (shared, legacy) = self.lasting.build(config, Some(&self.legacy))?;
        // From here on nothing can fail.
        let before = self.steering.live();
        self.in_force.replace(shared);
        self.entering.put(entrance);
        // What is open may have been opened with a session that the new configuration revokes.
        self.lasting.revocations().stir();
        self.legacy = legacy;
        self.refused = None;
        tell_of(&before.rules.routes, &live);
        for warning in warnings.iter().filter(|warning| !self.standing.warnings.contains(warning)) {
            tracing::warn!("{warning}");
        }
        if !wants_restart.is_empty() && wants_restart != self.standing.wants_restart {
            let keys = wants_restart.join(", ");
            tracing::warn!(%keys, "Everything else is in force; this takes a restart: {keys}");
        }
        self.steering.now_live(live);
        self.standing.files = files;
        self.standing.warnings = warnings;
        self.standing.wants_restart = wants_restart;
        Ok(())
    }

    fn answer(&self, cause: Cause, outcome: Outcome) {
        let was_refused = || self.steering.last_reload().is_some_and(|last| matches!(last.outcome, Outcome::Refused { .. }));
        // That a look found nothing new is worth knowing only if something was wrong before.
        let is_news = matches!(cause, Cause::Asked(_)) || outcome != Outcome::Unchanged || was_refused();
        let at = self.lasting.now();
        let last_success = match outcome {
            Outcome::Applied | Outcome::Unchanged => at,
            Outcome::Refused { .. } => self.steering.last_success(),
        };
        let reload = Arc::new(Reload { at, outcome, wants_restart: self.standing.wants_restart.clone(), last_success });
        if is_news {
            self.steering.reloaded(Arc::clone(&reload));
        }
        if let Cause::Asked(ask) = cause {
            let _gone_away = ask.send(reload);
        }
    }
}

fn warnings(config: &Config) -> Vec<String> {
    config.warnings.rendered(Colours::Plain)
}

fn tell_of(before: &RouteTable, live: &Live) {
    let is_new_in =
        |table: &RouteTable, others: &RouteTable| table.routes().iter().filter(|route| others.named(route.name.as_str()).is_none()).count();
    let now = &live.rules.routes;
    let (added, removed) = (is_new_in(now, before), is_new_in(before, now));
    let (fingerprint, routes) = (live.fingerprint, now.routes().len());
    tracing::info!(%fingerprint, routes, added, removed, "The configuration was read again and is in force");
}
