//! `kms-watch demo`: the main job of KMS Watch on an embedded AWS, in one process, without an account or a network.
//!
//! Keys are made and changed over the real SDK, time passes on a virtual clock, the events that AWS would send go through
//! the functions' own code, and what each audience receives is printed.

pub(crate) mod args;
pub(crate) mod chapter;
pub(crate) mod error;
pub(crate) mod format;
mod page;
pub(crate) mod show;
pub(crate) mod stage;
pub(crate) mod story;

use crate::demo::args::Args;
use crate::demo::chapter::Chapter;
use crate::demo::error::DemoError;
use crate::demo::format::Format;
use crate::demo::show::Show;
use crate::exit_codes;
use crate::output::pager::Pager;
use crate::output::{Target, print};

/// What ends the short story.
const MORE: &str = "\
The rest of it:
  --all               every chapter, every mail in full
  --only CHAPTER      one chapter; --list names them
  --html story.html   the whole story as a page";

/// Tells the story.
pub(crate) async fn run(args: &Args) -> Result<u8, DemoError> {
    if args.list {
        let mut list = String::new();
        for chapter in Chapter::ALL {
            list.push_str(&format!("{:<10} {}\n", chapter.name(), chapter.title()));
        }
        print(list.as_bytes())?;
        return Ok(exit_codes::DONE);
    }
    if let Some(file) = &args.html {
        let target = Target::new(file)?;
        let page = page::render(&args.chapters(), args.seed, args.format()).await?;
        target.write(page.as_bytes())?;
        return Ok(exit_codes::DONE);
    }
    let format = args.format();
    let pager = if format == Format::Json {
        Pager::none()
    } else {
        Pager::start()
    };
    let mut show = Show::on(pager.out, format);
    let told = tell(args, &mut show).await;
    drop(show);
    pager.reader.wait();
    told.map(|()| exit_codes::DONE)
}

async fn tell(args: &Args, show: &mut Show) -> Result<(), DemoError> {
    story::tell(&args.chapters(), args.seed, show).await?;
    show.summary()?;
    if args.format() == Format::Short {
        show.remark(MORE)?;
    }
    Ok(())
}
