// SPDX-License-Identifier: GPL-2.0-only
//! TensorFlow's C library, loaded when it is first needed, and SavedModels run through it: one that scores, here, and in
//! `functions` any that is called by its signatures. The only place that names the tensorflow crate.
//!
//! Three things are never so: a missing library never stops the program from starting; a panic of the binding never
//! leaves this file; a tensor is never asked for by a name that did not come out of the model's signature.

mod functions;
pub(crate) mod product;

pub use functions::Functions;

use crate::fault::Fault;
use crate::library::{self, Found, Links};
use crate::signature::Signature;
use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tensorflow::{
    DataType, Graph, Operation, SavedModelBundle, SessionOptions, SessionRunArgs, Shape, SignatureDef,
    Tensor, TensorInfo,
};

/// Where the binding looks for a file that is named exactly `libtensorflow.so`.
const BINDING_VARIABLE: &str = "TENSORFLOW_DIR";

/// One thread for everything: a small network is done before a second thread has woken up. Serialised `ConfigProto`:
/// intra_op 1, inter_op −1 (run in the caller), and the executor that needs no queue.
const SESSION_CONFIG: &[u8] =
    b"\x10\x01\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x82\x01\x1a\x1a\x18SINGLE_THREADED_EXECUTOR";

/// Two threads for a network in training: what does not wait for each other, such as the products of both networks' layers,
/// is computed at once. Each product is one thread's: split up, these small ones take longer, and sums would be added up in
/// another order. Serialised `ConfigProto`: intra_op 1, inter_op 2, threads of its own.
const TRAINING_CONFIG: &[u8] = b"\x10\x01\x28\x02\x48\x01";

/// What [`prepare_library`] found, and where the binding will look for it.
#[derive(Clone)]
struct Prepared {
    found: Found,
    directory: PathBuf,
}

/// See [`prepare_library`].
static PREPARED: OnceLock<Result<Prepared, Fault>> = OnceLock::new();
/// How loading went; it is tried once.
static LOADED: OnceLock<Result<(), Fault>> = OnceLock::new();

/// Finds TensorFlow's library and sets the environment that the binding reads; loads nothing yet. The first call counts.
///
/// `path` is a library, a directory or a virtual environment; `None` looks where [`library::find`] says. Call it
/// before the program starts its first thread. Returns the library's path.
///
/// # Errors
/// [`Fault::LibraryMissing`], which every later load then gives too.
pub fn prepare_library(path: Option<&Path>) -> Result<PathBuf, Fault> {
    PREPARED
        .get_or_init(|| {
            let found = library::find(path)?;
            let directory = match found.library.parent() {
                Some(directory) if !needs_links(&found) => directory.into(),
                _ => Links::directory(),
            };
            set_environment(&directory);
            Ok(Prepared { found, directory })
        })
        .clone()
        .map(|prepared| prepared.found.library)
}

/// Libraries that [`prepare_library`] found and does not use: one sentence each, where and why.
pub fn skipped() -> &'static [String] {
    match PREPARED.get() {
        Some(Ok(prepared)) => &prepared.found.skipped,
        _ => &[],
    }
}

/// Whether the library has another name than the one that the binding looks for.
fn needs_links(found: &Found) -> bool {
    found
        .library
        .file_name()
        .is_none_or(|name| name != library::BINDING_NAME)
}

fn set_environment(directory: &Path) {
    // 3: what fails is told as an error anyway, and graphs that a newer release exported are complained about for nothing.
    let unless_set = [("TF_CPP_MIN_LOG_LEVEL", "3")]
        .into_iter()
        .filter(|(name, _)| std::env::var_os(name).is_none());
    // oneDNN's kernels cost a small network several microseconds a call.
    for (name, value) in unless_set.chain([("TF_ENABLE_ONEDNN_OPTS", "0")]) {
        // SAFETY: once only, and before the program has a second thread, as `prepare_library` demands.
        unsafe { std::env::set_var(name, value) };
    }
    // SAFETY: as above.
    unsafe { std::env::set_var(BINDING_VARIABLE, directory) };
}

/// Loads the library that [`prepare_library`] found, and says which version it is.
///
/// # Errors
/// [`Fault::LibraryMissing`], or [`Fault::LibraryBroken`] when what was found is something else.
pub fn load_library() -> Result<String, Fault> {
    ensure_loaded()?;
    version().ok_or_else(|| Fault::Failed {
        cause: "the TensorFlow library does not tell its version".into(),
    })
}

/// Loads the library, the first time; every later call says how that went.
pub fn ensure_loaded() -> Result<(), Fault> {
    let unprepared = || Fault::LibraryMissing {
        tried: "any place (it was never looked for)".into(),
    };
    let prepared = PREPARED.get().cloned().unwrap_or_else(|| Err(unprepared()))?;
    LOADED
        .get_or_init(|| {
            let Prepared { found, directory } = prepared;
            let broken = |cause| Fault::LibraryBroken {
                path: found.library.clone(),
                cause,
            };
            let make =
                || Links::make(&directory, &found).map_err(|err| broken(format!("cannot link to it: {err}")));
            // Needed only until the loader has mapped the files: dropped at the end of this block.
            let _links = needs_links(&found).then(make).transpose()?;
            load(&directory.join(library::BINDING_NAME)).map_err(broken)
        })
        .clone()
}

/// Loads it and calls it once: the binding panics at the first call of a symbol that the library lacks.
fn load(path: &Path) -> Result<(), String> {
    check_symbol(path)?;
    let panicked = |_| String::from("it lacks functions of TensorFlow's C interface");
    catch_unwind(tensorflow::library::load).map_err(panicked)??;
    catch_unwind(tensorflow::version)
        .map_err(panicked)?
        .map(drop)
        .map_err(|err| err.to_string())
}

/// Opens the file and looks for one function: an ordinary error for the ordinary mistake, a library that is another.
fn check_symbol(path: &Path) -> Result<(), String> {
    let path = CString::new(path.as_os_str().as_bytes()).map_err(|err| err.to_string())?;
    // SAFETY: `path` is a C string that outlives the call. Opening a library runs its constructors: that is what
    // the user asked for by naming it. It is never closed, because it is used until the program ends.
    let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
    if library.is_null() {
        // SAFETY: after a failure `dlerror` gives a C string of this thread, valid until its next call, or null.
        let message = unsafe {
            libc::dlerror()
                .cast_const()
                .as_ref()
                .map(|text| CStr::from_ptr(text))
        };
        return Err(message.map_or("it cannot be opened".into(), |text| {
            text.to_string_lossy().into_owned()
        }));
    }
    // SAFETY: `library` is an open handle, and the name a C string.
    let symbol = unsafe { libc::dlsym(library, c"TF_LoadSessionFromSavedModel".as_ptr()) };
    if symbol.is_null() {
        Err("it has no function TF_LoadSessionFromSavedModel".into())
    } else {
        Ok(())
    }
}

/// TensorFlow's version, after a model was loaded.
pub fn version() -> Option<String> {
    LOADED.get()?.as_ref().ok()?;
    catch_unwind(tensorflow::version).ok()?.ok()
}

/// Opens the SavedModel in `directory` with `open`, which is told how to say that it is malformed.
fn opened<T>(
    directory: &Path,
    open: impl FnOnce(&dyn Fn(String) -> Fault) -> Result<T, Fault>,
) -> Result<T, Fault> {
    ensure_loaded()?;
    let path = directory.join("saved_model.pb");
    std::fs::metadata(&path).map_err(|err| Fault::Missing {
        path: path.clone(),
        cause: err.to_string(),
    })?;
    let malformed = |cause: String| Fault::Malformed {
        path: path.clone(),
        cause: first_line(&cause),
    };
    catch_unwind(AssertUnwindSafe(|| open(&malformed)))
        .unwrap_or_else(|_| Err(malformed("the binding gave up on it".into())))
}

/// A session of the SavedModel in `directory`, and its graph; `config` is a serialised `ConfigProto`.
fn bundle(directory: &Path, config: &[u8]) -> Result<(SavedModelBundle, Graph), tensorflow::Status> {
    let mut options = SessionOptions::new();
    options.set_config(config)?;
    let mut graph = Graph::new();
    let bundle = SavedModelBundle::load(&options, ["serve"], &mut graph, directory)?;
    Ok((bundle, graph))
}

/// A SavedModel, ready to score rows.
#[derive(Debug)]
pub struct SavedModel {
    bundle: SavedModelBundle,
    input: (Operation, i32),
    output: (Operation, i32),
    columns: usize,
    /// The input of the last batch; kept, because most batches have similar sizes.
    rows: Tensor<f32>,
}

impl SavedModel {
    /// Loads the SavedModel in `directory` and checks that its signature takes rows of so many columns.
    ///
    /// This may hang on a model that is made to: call it where that can be noticed.
    ///
    /// # Errors
    /// [`Fault::LibraryMissing`], [`Fault::LibraryBroken`], [`Fault::Missing`], [`Fault::Malformed`],
    /// [`Fault::WrongName`], [`Fault::WrongType`], [`Fault::WrongShape`].
    pub fn load(directory: &Path, names: &Signature, columns: usize) -> Result<Self, Fault> {
        opened(directory, |malformed| {
            Self::load_unguarded(directory, names, columns, malformed)
        })
    }

    fn load_unguarded(
        directory: &Path,
        names: &Signature,
        columns: usize,
        malformed: &dyn Fn(String) -> Fault,
    ) -> Result<Self, Fault> {
        let failed = |status: tensorflow::Status| malformed(status.to_string());
        let (bundle, graph) = bundle(directory, SESSION_CONFIG).map_err(failed)?;
        let signature = bundle
            .meta_graph_def()
            .get_signature(&names.name)
            .map_err(|_| Fault::WrongName {
                what: "signature",
                name: names.name.clone(),
            })?
            .clone();
        let (input, output) = endpoints(&signature, names, columns)?;
        let operation = |info: &TensorInfo| {
            let operation = graph
                .operation_by_name_required(&info.name().name)
                .map_err(failed)?;
            Ok((operation, info.name().index))
        };
        Ok(Self {
            input: operation(input)?,
            output: operation(output)?,
            bundle,
            columns,
            rows: Tensor::new(&[0, columns as u64]),
        })
    }

    /// Appends one score a row to `scores`; `values` are whole rows, one after the other.
    ///
    /// # Errors
    /// [`Fault::Failed`] with what TensorFlow says.
    pub fn score(&mut self, values: &[f32], scores: &mut Vec<f32>) -> Result<(), Fault> {
        let wanted = [(values.len() / self.columns) as u64, self.columns as u64];
        if self.rows.dims() != wanted {
            self.rows = Tensor::new(&wanted);
        }
        self.rows.copy_from_slice(values);
        let failed = |status: tensorflow::Status| Fault::Failed {
            cause: first_line(&status.to_string()),
        };
        let mut step = SessionRunArgs::new();
        step.add_feed(&self.input.0, self.input.1, &self.rows);
        let token = step.request_fetch(&self.output.0, self.output.1);
        self.bundle.session.run(&mut step).map_err(failed)?;
        scores.extend_from_slice(&step.fetch::<f32>(token).map_err(failed)?);
        Ok(())
    }
}

/// The signature's input and output, with the type and shape of the contract.
fn endpoints<'a>(
    signature: &'a SignatureDef,
    names: &Signature,
    columns: usize,
) -> Result<(&'a TensorInfo, &'a TensorInfo), Fault> {
    let absent = |what, name: &str| Fault::WrongName {
        what,
        name: name.into(),
    };
    let input = signature
        .get_input(&names.input)
        .map_err(|_| absent("input", &names.input))?;
    let output = signature
        .get_output(&names.output)
        .map_err(|_| absent("output", &names.output))?;
    let width = Some(columns as i64);
    check_tensor("input", input, &[&[None, width]], &format!("[rows, {columns}]"))?;
    check_tensor(
        "output",
        output,
        &[&[None], &[None, Some(1)]],
        "[rows] or [rows, 1]",
    )?;
    if signature.inputs().len() != 1 {
        let found = format!("{} inputs", signature.inputs().len());
        return Err(Fault::WrongShape {
            what: "signature",
            found,
            wanted: "one input".into(),
        });
    }
    Ok((input, output))
}

fn check_tensor(
    what: &'static str,
    info: &TensorInfo,
    shapes: &[&[Option<i64>]],
    wanted: &str,
) -> Result<(), Fault> {
    if info.dtype() != DataType::Float {
        return Err(Fault::WrongType {
            what,
            found: info.dtype().to_string().to_lowercase(),
        });
    }
    if !shapes
        .iter()
        .any(|shape| *info.shape() == Shape::new(Some(shape.to_vec())))
    {
        return Err(Fault::WrongShape {
            what,
            found: written(info.shape()),
            wanted: wanted.into(),
        });
    }
    Ok(())
}

/// A shape as the documentation writes it: `[rows, 20]`.
fn written(shape: &Shape) -> String {
    let Some(count) = shape.dims() else {
        return "unknown".into();
    };
    let sizes: Vec<_> = (0..count)
        .map(|at| shape[at].map_or("rows".into(), |size| size.to_string()))
        .collect();
    format!("[{}]", sizes.join(", "))
}

/// TensorFlow's messages carry stack traces of the graph; the first line says it.
fn first_line(text: &str) -> String {
    text.lines()
        .next()
        .unwrap_or_default()
        .trim_end_matches(['.', ' '])
        .chars()
        .take(300)
        .collect()
}
