// SPDX-License-Identifier: GPL-2.0-only
//! Settings of simulations from the environment: they go before a file's, and the command line's go before them.

use super::UsageError;
use anyhow::Result;
use augur_devices::experiment::simulate::Config;

/// How many GPUs there are.
const GPUS: &str = "NUM_GPUS";
/// After how many tasks `hybrid_ml` is trained again.
const RETRAIN_INTERVAL: &str = "RETRAIN_INTERVAL";
/// The most GPUs that can be asked for.
const MOST_GPUS: u64 = 1024;

/// Puts what the environment says over the settings.
///
/// # Errors
/// Wrong use, in one sentence that names the variable.
pub fn apply(config: &mut Config) -> Result<()> {
    if let Some(gpus) = number(GPUS, std::env::var_os(GPUS), MOST_GPUS)? {
        config.machine.gpus = gpus as usize;
    }
    if let Some(interval) = number(RETRAIN_INTERVAL, std::env::var_os(RETRAIN_INTERVAL), u64::MAX)? {
        config.hybrid_ml.retrain_interval = interval;
    }
    Ok(())
}

/// A variable's number; nothing where it is not set, or empty.
fn number(name: &str, value: Option<std::ffi::OsString>, most: u64) -> Result<Option<u64>> {
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let number = value.to_str().and_then(|text| text.trim().parse().ok());
    match number.filter(|number| *number <= most) {
        Some(number) => Ok(Some(number)),
        None => {
            let up_to = if most < u64::MAX {
                format!(" up to {most}")
            } else {
                String::new()
            };
            Err(UsageError(format!(
                "the environment's {name} is '{}', which is not a whole number{up_to}; correct or unset it",
                value.to_string_lossy()
            ))
            .into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_says_nothing_and_what_is_wrong_is_refused() {
        let read = |text: &str| number("N", Some(text.into()), 9);
        assert_eq!(number("N", None, 9).unwrap(), None);
        assert_eq!((read("").unwrap(), read("9").unwrap()), (None, Some(9)));
        for wrong in ["10", "-1", "many", "1.5"] {
            assert!(read(wrong).unwrap_err().to_string().contains(wrong), "{wrong}");
        }
    }
}
