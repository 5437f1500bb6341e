//! `flockwise local randomize`.

use std::fmt::Write as _;
use std::io::Write;

use flockwise_local::{Input, Os};

use super::collection::CollectionFile;
use super::{LocalError, RandomizeArgs, lines};

/// People whose reports are drawn from one run of entropy.
const BATCH: usize = 4096;

pub(super) fn run(args: &RandomizeArgs, out: &mut dyn Write) -> Result<(), LocalError> {
    let collection = CollectionFile::read(&args.collection)?;
    let path = args.values.as_deref();
    let mut values = lines::open(path).map_err(lines::unreadable(path))?;
    let mut batch = Batch { collection: &collection, inputs: Vec::new(), out, failed: None };
    let read = lines::each(&mut *values, |line| {
        let text = line.and_then(|line| std::str::from_utf8(line).ok());
        batch.push(text.map_or(Input::Nothing, |text| collection.input(text)));
    });
    batch.flush();
    if let Some(error) = batch.failed {
        return Err(error);
    }
    read.map_err(lines::unreadable(path))
}

struct Batch<'a> {
    collection: &'a CollectionFile,
    inputs: Vec<Input>,
    out: &'a mut dyn Write,
    failed: Option<LocalError>,
}

impl Batch<'_> {
    fn push(&mut self, input: Input) {
        self.inputs.push(input);
        if self.inputs.len() == BATCH {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if self.failed.is_none() {
            self.failed = self.write().err();
        }
        self.inputs.clear();
    }

    fn write(&mut self) -> Result<(), LocalError> {
        let scheme = self.collection.scheme();
        let bytes = scheme.report_bytes();
        let mut reports = vec![0; bytes * self.inputs.len()];
        scheme.randomize_many(&self.inputs, Os, &mut reports)?;
        let mut text = String::with_capacity(reports.len() * 2 + self.inputs.len() * 64);
        for report in reports.chunks_exact(bytes) {
            let _ = write!(text, "{{\"collection\":\"{}\",\"report\":\"", self.collection.name());
            report.iter().for_each(|byte| {
                let _ = write!(text, "{byte:02x}");
            });
            text.push_str("\"}\n");
        }
        Ok(self.out.write_all(text.as_bytes())?)
    }
}
