// SPDX-License-Identifier: GPL-2.0-only
//! WfCommons JSON: since 1.5 what a workflow is (`specification`) stands apart from how it ran (`execution`); before,
//! tasks (in 1.0 `jobs`) have both, and name each other.

use super::{Gathered, Workflow};
use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use std::collections::{HashMap, HashSet};

#[derive(Deserialize)]
struct File {
    workflow: Body,
}

#[derive(Deserialize)]
struct Body {
    specification: Option<Specification>,
    execution: Option<Execution>,
    #[serde(alias = "jobs")]
    tasks: Option<Vec<Whole>>,
}

#[derive(Deserialize)]
struct Specification {
    #[serde(default)]
    tasks: Vec<Specified>,
    #[serde(default)]
    files: Vec<Sized>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Specified {
    id: String,
    #[serde(default)]
    parents: Vec<String>,
    #[serde(default)]
    children: Vec<String>,
    #[serde(default)]
    input_files: Vec<String>,
    #[serde(default)]
    output_files: Vec<String>,
}

#[derive(Deserialize)]
struct Sized {
    id: String,
    #[serde(rename = "sizeInBytes")]
    size_bytes: f64,
}

#[derive(Deserialize)]
struct Execution {
    #[serde(default)]
    tasks: Vec<Executed>,
}

#[derive(Deserialize)]
struct Executed {
    id: String,
    #[serde(rename = "runtimeInSeconds")]
    runtime_s: Option<f64>,
    #[serde(rename = "coreCount")]
    cores: Option<f64>,
}

/// A task before 1.5.
#[derive(Deserialize)]
struct Whole {
    name: String,
    id: Option<String>,
    #[serde(rename = "runtimeInSeconds", alias = "runtime")]
    runtime_s: Option<f64>,
    #[serde(alias = "coreCount")]
    cores: Option<f64>,
    #[serde(default)]
    parents: Vec<String>,
    #[serde(default)]
    children: Vec<String>,
    #[serde(default)]
    files: Vec<Linked>,
}

#[derive(Deserialize)]
struct Linked {
    link: String,
    #[serde(alias = "id")]
    name: String,
    #[serde(rename = "sizeInBytes", alias = "size")]
    size_bytes: f64,
}

/// What is left to do when all tasks are known.
struct Kin {
    id: String,
    parents: Vec<String>,
    children: Vec<String>,
}

/// Reads an instance.
///
/// # Errors
/// One sentence that names the line or the task.
pub fn read(text: &str) -> Result<Workflow> {
    let file: File = serde_json::from_str(text).map_err(|err| anyhow::anyhow!("{err}"))?;
    let mut gathered = Gathered::default();
    let mut wide = 0u64;
    let kin = match file.workflow {
        Body {
            specification: Some(specification),
            execution,
            ..
        } => {
            let execution = execution.context(
                "it has a specification and no execution, so that nobody knows what its tasks take; name an instance that \
                 was run",
            )?;
            split(specification, execution, &mut gathered, &mut wide)?
        }
        Body {
            tasks: Some(tasks), ..
        } => whole(tasks, &mut gathered, &mut wide)?,
        _ => bail!("its workflow has neither a specification nor tasks"),
    };
    for task in &kin {
        let place = gathered.place(&task.id, &task.id)?;
        for parent in &task.parents {
            let parent = gathered.place(parent, &task.id)?;
            gathered.edge(parent, place)?;
        }
        for child in &task.children {
            let child = gathered.place(child, &task.id)?;
            gathered.edge(place, child)?;
        }
    }
    let notes = match wide {
        0 => Vec::new(),
        _ => vec![format!(
            "{wide} tasks ran on several cores; each is taken to need one device for its runtime"
        )],
    };
    Ok(gathered.finish(notes))
}

fn runtime_s(id: &str, runtime_s: Option<f64>) -> Result<f64> {
    runtime_s.with_context(|| format!("task '{id}' has no runtime"))
}

/// 1.5 and later.
fn split(
    specification: Specification,
    execution: Execution,
    gathered: &mut Gathered,
    wide: &mut u64,
) -> Result<Vec<Kin>> {
    let sizes = specification
        .files
        .into_iter()
        .map(|file| (file.id, file.size_bytes));
    let sizes: HashMap<String, f64> = sizes.collect();
    let ran = execution.tasks.into_iter().map(|task| (task.id.clone(), task));
    let ran: HashMap<String, Executed> = ran.collect();
    let mut kin = Vec::with_capacity(specification.tasks.len());
    for task in specification.tasks {
        let ran = ran
            .get(&task.id)
            .with_context(|| format!("task '{}' is specified, but was not executed", task.id))?;
        *wide += u64::from(ran.cores.is_some_and(|cores| cores > 1.0));
        let inputs = task.input_files.into_iter().map(|file| {
            let size = sizes.get(&file).copied();
            let size = size
                .with_context(|| format!("task '{}' reads file '{file}', whose size is not there", task.id));
            size.map(|size| (file, size))
        });
        let inputs = inputs.collect::<Result<Vec<_>>>()?;
        let (outputs, runtime_s) = (
            task.output_files.into_iter().collect(),
            runtime_s(&task.id, ran.runtime_s)?,
        );
        gathered.task(task.id.clone(), runtime_s, inputs, outputs)?;
        kin.push(Kin {
            id: task.id,
            parents: task.parents,
            children: task.children,
        });
    }
    Ok(kin)
}

/// Before 1.5: a task's name is what others call it, but some call it by its id.
fn whole(tasks: Vec<Whole>, gathered: &mut Gathered, wide: &mut u64) -> Result<Vec<Kin>> {
    let mut kin = Vec::with_capacity(tasks.len());
    let mut ids = Vec::new();
    for task in tasks {
        *wide += u64::from(task.cores.is_some_and(|cores| cores > 1.0));
        let (mut inputs, mut outputs) = (Vec::new(), HashSet::new());
        for file in task.files {
            match file.link.as_str() {
                "input" => inputs.push((file.name, file.size_bytes)),
                "output" => _ = outputs.insert(file.name),
                other => bail!(
                    "task '{}' has a file whose link is '{other}'; it is input or output",
                    task.name
                ),
            }
        }
        let runtime_s = runtime_s(&task.name, task.runtime_s)?;
        let place = gathered.task(task.name.clone(), runtime_s, inputs, outputs)?;
        ids.extend(task.id.map(|id| (id, place)));
        kin.push(Kin {
            id: task.name,
            parents: task.parents,
            children: task.children,
        });
    }
    for (id, place) in ids {
        gathered.places.entry(id).or_insert(place);
    }
    ensure!(!kin.is_empty(), "there are no tasks in it; give at least one");
    Ok(kin)
}
