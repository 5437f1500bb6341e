//! What is told while a job runs: events for programs, a status line for people at a terminal.
//!
//! Everything here comes from the plan and the ledger. Once data are read nothing is counted or timed, so that neither a
//! log nor a status line depends on anybody's rows.

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use flockwise_query::Phase;
use flockwise_query::plan::Plan;
use serde_json::{Value as Json, json};

use crate::args::{Arguments, Log};

/// A status line appears only for what takes longer than this.
const PATIENCE: Duration = Duration::from_secs(2);

/// Tells where a run is.
pub(crate) struct Watch {
    log: Log,
    status: Option<Status>,
}

impl Watch {
    /// Events under `--log json`; a status line when standard error is a terminal; else nothing.
    pub fn new(arguments: &Arguments) -> Self {
        let at_terminal = arguments.log == Log::Text && !arguments.quiet && std::io::stderr().is_terminal();
        Self { log: arguments.log, status: at_terminal.then(Status::new) }
    }

    fn event(&self, event: &Json) {
        if self.log == Log::Json {
            // A log that cannot be written stops nothing: what is charged must still be shown.
            let _ = writeln!(std::io::stderr().lock(), "{event}");
        }
    }

    /// Everything that will happen, before any of it does.
    pub fn plan(&self, plan: &Plan) {
        let all = plan.to_json();
        let releases = plan.releases.iter().map(|release| {
            json!({ "release": release.name, "statistic": release.statistic, "stages": release.stage_names() })
        });
        self.event(&json!({
            "event": "plan",
            "data": plan.data,
            "purpose": plan.purpose,
            "charge": all["privacy"]["charge"],
            "releases": releases.collect::<Vec<_>>(),
            "phases": ["preflight", "charge", "compute", "store", "show"],
        }));
    }

    /// A phase begins.
    pub fn phase(&self, phase: Phase) {
        if let Phase::Charged { entry, now } = phase {
            self.event(&json!({ "event": "charged", "entry": entry, "now": now }));
        } else {
            self.event(&json!({ "event": "phase", "phase": phase.name() }));
        }
        if let Some(status) = &self.status {
            status.say(phase.words());
        }
    }

    /// The results are about to be shown: the status line goes.
    pub fn show(&mut self) {
        self.event(&json!({ "event": "phase", "phase": "show" }));
        self.status = None;
    }
}

/// What the thread that shows the status line knows.
#[derive(Default)]
struct Shared {
    words: &'static str,
    over: bool,
}

/// A line on standard error that says the phase, from two seconds on.
struct Status {
    shared: Arc<(Mutex<Shared>, Condvar)>,
    shows: Option<JoinHandle<()>>,
}

impl Status {
    fn new() -> Self {
        let shared = Arc::new((Mutex::new(Shared::default()), Condvar::new()));
        let seen = Arc::clone(&shared);
        Self { shared, shows: std::thread::Builder::new().spawn(move || show(&seen)).ok() }
    }

    fn say(&self, words: &'static str) {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner).words = words;
        self.shared.1.notify_all();
    }
}

impl Drop for Status {
    fn drop(&mut self) {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner).over = true;
        self.shared.1.notify_all();
        if let Some(shows) = self.shows.take() {
            let _ = shows.join();
        }
    }
}

fn show(shared: &(Mutex<Shared>, Condvar)) {
    let (lock, changed) = shared;
    let state = lock.lock().unwrap_or_else(PoisonError::into_inner);
    let waited = changed.wait_timeout_while(state, PATIENCE, |state| !state.over);
    let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
    let mut shown = "";
    while !state.over {
        if state.words != shown {
            shown = state.words;
            let _ = write!(std::io::stderr(), "\r\x1b[2K{shown} …");
        }
        state = changed.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
    if !shown.is_empty() {
        let _ = write!(std::io::stderr(), "\r\x1b[2K");
    }
}
