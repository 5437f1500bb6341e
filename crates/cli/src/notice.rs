//! `flockwise notice`.

use flockwise_query::notice::Notice as Text;
use flockwise_query::{Job, Policy};

use crate::args::{Notice, NoticeFormat};
use crate::failure::Failure;
use crate::say::say;

pub(crate) fn notice(args: &Notice) -> Result<(), Failure> {
    let policy = Policy::open(&args.policy)?.value;
    let mut jobs = Vec::new();
    for path in &args.jobs {
        let job = Job::open(path)?.value;
        if job.data != policy.data.name {
            let message = format!(
                "{} asks about {}, this policy is about {}",
                path.display(),
                job.data,
                policy.data.name
            );
            return Err(Failure::Arguments(message));
        }
        jobs.push(job);
    }
    let notice = Text::new(&policy, &jobs, args.contact.as_deref());
    match args.format {
        NoticeFormat::Markdown => say!("{}", notice.markdown().trim_end()),
        NoticeFormat::Html => say!("{}", notice.html().trim_end()),
    }
    Ok(())
}
