//! The real thing and the model side by side.

use std::collections::BTreeMap;
use std::fmt::{Debug, Write as _};
use std::time::{Duration, Instant};

use lovely_session::container::{Container, ContainerOption};
use lovely_session::error::{Error, Status};
use lovely_session::store::{self, FaultOps, Store, StoreOption, StoreOptions};
use lovely_session::txn::{PkgRef, SessionRef, Transaction};

use crate::commit::Task;
use crate::cover::Cover;
use crate::op::{Fault, ID_NUMBERS, Id, Sequence};
use crate::support::everywhere::{is_embedded, new_url};
use crate::txn::Txn;
use crate::value::BIG;
use crate::world::{Place, World};

/// By how much the real clocks may be ahead of the model's, which stand still between two moves.
pub(crate) const DRIFT_MS: i64 = 450;

/// One of the transactions that are interleaved.
pub(crate) struct Slot {
    pub(crate) real: Transaction,
    pub(crate) model: Txn,
    /// The handles of the model's sessions, by their numbers.
    pub(crate) sessions: Vec<SessionRef>,
    pub(crate) pkgs: Vec<(PkgRef, usize, String)>,
    pub(crate) prepared: Vec<Task>,
}

impl Slot {
    pub(crate) fn new() -> Self {
        let (sessions, pkgs, prepared) = (Vec::new(), Vec::new(), Vec::new());
        Self { real: Transaction::new(), model: Txn::new(), sessions, pkgs, prepared }
    }
}

/// Numbers of the model and the random ones of the library that they stand for: one for one.
#[derive(Debug, Default)]
pub(crate) struct Names<T> {
    pub(crate) real: BTreeMap<u64, T>,
    pub(crate) model: BTreeMap<T, u64>,
}

impl<T: Ord + Copy + Debug> Names<T> {
    /// Whether the two may stand for each other.
    pub(crate) fn agree(&self, model: u64, real: T) -> bool {
        match (self.real.get(&model), self.model.get(&real)) {
            (None, None) => true,
            (Some(known), Some(number)) => *known == real && *number == model,
            _ => false,
        }
    }

    pub(crate) fn learn(&mut self, model: u64, real: T) {
        self.real.insert(model, real);
        self.model.insert(real, model);
    }
}

pub(crate) struct Sim {
    pub(crate) world: World,
    pub(crate) stores: Vec<Store>,
    pub(crate) conts: Vec<Container>,
    /// What the model's clocks call 0.
    pub(crate) epochs: Vec<i64>,
    pub(crate) started: Instant,
    /// How often a real clock was moved by a millisecond that the model's was not.
    pub(crate) ticks: u64,
    /// The ids of each container; random ones are added as they are drawn.
    pub(crate) ids: Vec<Vec<Vec<u8>>>,
    pub(crate) slots: Vec<Slot>,
    pub(crate) savepoints: Vec<u64>,
    pub(crate) fault: Option<Fault>,
    pub(crate) incarnations: Names<u64>,
    pub(crate) versions: Names<(u64, u64, u64)>,
    pub(crate) tombstones: Names<u64>,
    /// The sequence ends here: a session that some saw expire is back.
    pub(crate) is_over: bool,
    pub(crate) cover: Cover,
    pub(crate) log: String,
    /// What the library answered to the present call, for the log.
    pub(crate) answer: String,
}

/// The first difference between library and model.
pub(crate) type Differ = String;

impl Sim {
    pub(crate) fn new(sequence: &Sequence) -> Self {
        let open = |_| {
            let url = new_url("model", "");
            let mut options = StoreOptions::new();
            options.set(StoreOption::ItemLimit, i64::try_from(2 * BIG - 1000).unwrap()).unwrap();
            Store::open(Some(&url), &options).unwrap()
        };
        let stores: Vec<Store> = (0..sequence.stores).map(open).collect();
        let conts = sequence.conts.iter().map(|cont| {
            let container = Container::open(&stores[cont.store], cont.name).unwrap();
            let set = |option, value| container.set_option(option, value).unwrap();
            // In an order in which each is allowed.
            set(ContainerOption::Timeout, cont.opts.timeout);
            if let Some(max) = cont.opts.max {
                set(ContainerOption::MaxTimeout, max);
            }
            set(ContainerOption::Resolution, cont.opts.resolution);
            set(ContainerOption::Lifetime, cont.opts.lifetime);
            set(ContainerOption::Policy, cont.opts.policy as i64);
            set(ContainerOption::Recreate, i64::from(cont.opts.recreate));
            container
        });
        let conts: Vec<Container> = conts.collect();
        let ids = vec![vec![b"a".to_vec(), b"\xff\0\n".to_vec(), "é".into()]; conts.len()];
        Self {
            world: World::new(sequence.stores, sequence.conts.clone()),
            epochs: stores.iter().map(|store| store.clock().now_ms()).collect(),
            stores,
            conts,
            started: Instant::now(),
            ticks: 0,
            ids,
            slots: (0..sequence.slots).map(|_| Slot::new()).collect(),
            savepoints: vec![0],
            fault: None,
            incarnations: Names::default(),
            versions: Names::default(),
            tombstones: Names::default(),
            is_over: false,
            cover: Cover::default(),
            log: String::new(),
            answer: String::new(),
        }
    }

    /// Whether so much real time went by that the model's clocks say nothing any more.
    pub(crate) fn is_adrift(&self) -> bool {
        self.started.elapsed() + Duration::from_millis(self.ticks) > Duration::from_millis(400)
    }

    pub(crate) fn place(&self, id: Id) -> Place {
        let cont = id.cont % self.conts.len();
        let id = match id.number {
            number if number == ID_NUMBERS - 1 => Vec::new(),
            number if number == ID_NUMBERS - 2 => vec![b'y'; 8193],
            number => self.ids[cont][number % self.ids[cont].len()].clone(),
        };
        (cont, id)
    }

    /// How traces name an id.
    pub(crate) fn name(&self, place: &Place) -> String {
        match self.ids[place.0].iter().position(|id| *id == place.1) {
            Some(at) => format!("c{}/id{at}", place.0),
            None => format!("c{}/id of {} bytes", place.0, place.1.len()),
        }
    }

    /// A time of the store of `cont` in the model's terms; `expected` if that may be meant.
    pub(crate) fn time(&self, cont: usize, real_ms: i64, expected: Option<i64>) -> i64 {
        let time = real_ms - self.epochs[self.world.conts[cont].store];
        match expected {
            Some(expected) if (0..=DRIFT_MS).contains(&(time - expected)) => expected,
            _ => time,
        }
    }

    /// Compares one answer, and takes it down.
    pub(crate) fn check<T: PartialEq + Debug>(
        &mut self,
        call: &str,
        real: Result<T, Error>,
        model: Result<T, Status>,
    ) -> Result<Option<T>, Differ> {
        let status = real.as_ref().map_or_else(Error::status, |_| Status::Ok);
        self.cover.hit(&format!("{call} {status:?}"));
        self.answer.clear();
        match &real {
            Ok(answer) => write!(self.answer, "{answer:?}").unwrap(),
            Err(error) => write!(self.answer, "{status:?} ({error})").unwrap(),
        }
        match (real, model) {
            (Ok(real), Ok(model)) if real == model => Ok(Some(real)),
            (Err(real), Err(model)) if real.status() == model => Ok(None),
            (_, model) => Err(format!("{call} answered {}, the model {model:?}", self.answer)),
        }
    }

    /// Scripts the fault that is waiting, if there is one.
    pub(crate) fn arm(&mut self) -> Option<Fault> {
        let fault = self.fault.take()?;
        let Fault { kind, ops, skip, count, .. } = fault;
        let ops = FaultOps::from_bits(ops).unwrap();
        self.stores[fault.store].script_fault(store::Fault { kind, ops, skip, count }).unwrap();
        Some(fault)
    }

    pub(crate) fn disarm(&self) {
        if !is_embedded() {
            return;
        }
        self.stores.iter().for_each(|store| store.clear_faults().unwrap());
    }
}
