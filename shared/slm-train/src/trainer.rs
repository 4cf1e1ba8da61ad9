//! The training loop, one optimizer step at a time.

use slm_kernels::train::{AdamW, adamw};
use slm_model::{
    BaseModel, LoraAdapter,
    train::{Batch, Gradients, Loss, TrainModel},
};
use slm_task::{Recipe, recipe::Sft};

use crate::{
    adapted::{check_rank, layers},
    data::{Data, check_data, check_settings, fingerprint},
    error::TrainError,
    order,
    schedule::Schedule,
    state::{Header, State},
    trunk::{self, Room, TrunkCache},
};

/// Owns the adapter and everything that changes it.
pub struct Trainer {
    model: TrainModel,
    adapter: LoraAdapter,
    gradients: Gradients,
    first: Vec<f32>,
    second: Vec<f32>,
    /// alpha / rank: see [`Trainer::update`].
    scale: f32,
    data: Data,
    /// Tokens of each row after the prefix.
    lengths: Vec<usize>,
    sft: Sft,
    schedule: Schedule,
    step: usize,
    fingerprint: u64,
    /// Batches of the epoch that the last step was in.
    epoch: Option<(usize, Vec<Vec<usize>>)>,
    /// Outputs of the layers below the adapter. No part of the state: what it gives is what would be
    /// computed.
    trunk: Option<TrunkCache>,
}

/// What one optimizer step did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepReport {
    /// Steps taken, this one included.
    pub step: usize,
    /// Weighted mean of -log p over the supervised tokens, before the update.
    pub loss: f64,
    /// Learning rate of the step.
    pub rate: f32,
    /// Norm of the mean gradient, before clipping.
    pub gradient_norm: f64,
    /// Rows in the batch.
    pub rows: usize,
    /// Supervised tokens.
    pub supervised: usize,
    /// Tokens of the rows, each with its prefix.
    pub tokens: usize,
    /// Tokens computed: the prefix counts once a micro-batch.
    pub computed: usize,
}

/// Loss and gradients of some rows, without an update.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Probe {
    /// Weighted mean of -log p over the supervised tokens.
    pub loss: f64,
    /// Supervised tokens.
    pub supervised: usize,
    /// Tokens computed.
    pub computed: usize,
}

impl Trainer {
    /// A trainer at step 0: A random, B zero, so that the adapter changes nothing yet.
    ///
    /// # Errors
    /// No rows, a row that does not begin with the prefix or does not supervise its end, or a
    /// setting out of range.
    pub fn new(base: &BaseModel, recipe: &Recipe, data: Data) -> Result<Self, TrainError> {
        check_settings(recipe)?;
        check_data(base, &data)?;
        check_rank(&recipe.lora, base.config())?;
        let layers = layers(&recipe.lora, base.config().layers)?;
        let adapter = LoraAdapter::random(
            base.config(),
            recipe.lora.rank,
            &recipe.lora.targets,
            layers,
            recipe.sft.seed,
        )?;
        let gradients = Gradients::zeros(&adapter, base.config().layers);
        let parameters = adapter.parameters();
        let lengths: Vec<usize> = data
            .rows
            .iter()
            .map(|row| row.tokens.len() - data.prefix.len())
            .collect();
        let steps = (f64::from(recipe.sft.epochs)
            * data.rows.len().div_ceil(recipe.sft.batch) as f64)
            .round() as usize;
        Ok(Self {
            model: TrainModel::new(base),
            scale: recipe.lora.alpha / recipe.lora.rank as f32,
            gradients,
            first: vec![0.0; parameters],
            second: vec![0.0; parameters],
            fingerprint: fingerprint(base, recipe, &data),
            lengths,
            data,
            schedule: Schedule {
                peak: recipe.sft.lr,
                total: steps.max(1),
                warmup: recipe.sft.warmup,
            },
            sft: recipe.sft.clone(),
            step: 0,
            adapter,
            epoch: None,
            trunk: None,
        })
    }

    /// A trainer that goes on where [`Trainer::state`] was taken, to the bit.
    ///
    /// # Errors
    /// As [`Trainer::new`]; and when the state is damaged or was made from another base, other
    /// rows or other settings.
    pub fn resume(
        base: &BaseModel,
        recipe: &Recipe,
        data: Data,
        state: &[u8],
    ) -> Result<Self, TrainError> {
        let mut trainer = Self::new(base, recipe, data)?;
        let state = State::decode(state)?;
        if state.header.fingerprint != trainer.fingerprint
            || state.parameters.len() != trainer.first.len()
        {
            return Err(TrainError::State(
                "it was made with another base, other rows or other settings; \
                 start a new run instead"
                    .into(),
            ));
        }
        let mut rest = state.parameters.as_slice();
        for tensor in trainer.adapter.tensors_mut() {
            let (now, later) = rest.split_at(tensor.len());
            tensor.copy_from_slice(now);
            rest = later;
        }
        trainer.first = state.first;
        trainer.second = state.second;
        trainer.step = state.header.step;
        trainer.schedule.total = state.header.total_steps;
        Ok(trainer)
    }

    /// Everything that [`Trainer::resume`] needs besides the inputs of [`Trainer::new`].
    pub fn state(&self) -> Vec<u8> {
        State {
            header: Header {
                step: self.step,
                total_steps: self.schedule.total,
                fingerprint: self.fingerprint,
                parameters: self.first.len(),
            },
            parameters: self.adapter.tensors().flatten().copied().collect(),
            first: self.first.clone(),
            second: self.second.clone(),
        }
        .encode()
    }

    /// The adapter as it stands.
    pub fn adapter(&self) -> &LoraAdapter {
        &self.adapter
    }

    /// Optimizer steps taken.
    pub fn steps(&self) -> usize {
        self.step
    }

    /// Optimizer steps in all.
    pub fn total_steps(&self) -> usize {
        self.schedule.total
    }

    /// Changes the number of steps in all; the learning rate follows. Part of the state.
    pub fn set_total_steps(&mut self, total: usize) {
        self.schedule.total = total.max(self.step).max(1);
    }

    /// Optimizer steps an epoch.
    pub fn steps_per_epoch(&self) -> usize {
        self.data.rows.len().div_ceil(self.sft.batch)
    }

    /// Every step is taken.
    pub fn finished(&self) -> bool {
        self.step >= self.schedule.total
    }

    /// Bytes of the outputs of the layers below the adapter, for [`Self::keep_trunk`]. None where
    /// keeping them is of no use: the adapter begins in the first layer, or no row comes twice; or
    /// where it would not be exact, since a model is so narrow that the bits of a row depend on the
    /// rows beside it.
    pub fn trunk_bytes(&self) -> Option<u64> {
        let (_, lengths) = trunk::distinct(self.data.own_tokens());
        let comes_again =
            self.schedule.total > self.steps_per_epoch() || lengths.len() < self.data.rows.len();
        let is_exact = self.model.trunk_is_exact(self.data.prefix.len());
        let tokens = lengths.iter().sum::<usize>() + self.data.prefix.len();
        let bytes = tokens * self.model.config().hidden * size_of::<f32>();
        (self.adapter.first_layer() > 0 && comes_again && is_exact).then_some(bytes as u64)
    }

    /// Keeps the outputs of the layers below the adapter from now on, from epoch to epoch, where
    /// [`Self::trunk_bytes`] says that it is of use. Steps have the same bits with and without.
    pub fn keep_trunk(&mut self, room: Room) {
        if self.trunk_bytes().is_some() {
            let width = self.model.config().hidden;
            self.trunk = Some(TrunkCache::new(self.data.own_tokens(), width, room));
        }
    }

    /// What went wrong with keeping them since this was last asked, for people.
    pub fn take_trunk_problem(&mut self) -> Option<String> {
        self.trunk.as_mut().and_then(TrunkCache::take_problem)
    }

    /// The rows of optimizer step `step`, from 0.
    pub fn batch(&mut self, step: usize) -> Vec<usize> {
        let per_epoch = self.steps_per_epoch();
        let (epoch, index) = (step / per_epoch, step % per_epoch);
        if self.epoch.as_ref().is_none_or(|(open, _)| *open != epoch) {
            let batches = order::epoch(&self.lengths, self.sft.batch, self.sft.seed, epoch);
            self.epoch = Some((epoch, batches));
        }
        let (_, batches) = self.epoch.as_ref().expect("set above");
        batches[index].clone()
    }

    /// Takes one optimizer step: gradients summed over the micro-batches of a batch, divided once
    /// by the weight of its supervised tokens, clipped, and given to AdamW.
    ///
    /// # Errors
    /// When loss or gradient are not finite; the adapter is then as before the step.
    pub fn step(&mut self) -> Result<StepReport, TrainError> {
        let rows = self.batch(self.step);
        self.learn(&rows)
    }

    /// [`Self::step`] with rows of the caller's choice. Times steps of a training that is thrown away.
    ///
    /// # Errors
    /// As there.
    pub fn learn(&mut self, rows: &[usize]) -> Result<StepReport, TrainError> {
        let rate = self.schedule.rate(self.step);
        let (loss, computed) = self.accumulate(rows)?;
        let norm = self.gradients.norm_squared().sqrt() / loss.weight;
        for (what, value) in [("loss", loss.sum), ("gradient norm", norm)] {
            if !value.is_finite() {
                return Err(TrainError::NotFinite {
                    step: self.step + 1,
                    what,
                    value,
                    lr: rate,
                });
            }
        }
        let clip = f64::from(self.sft.clip);
        let shrink = if clip > 0.0 && norm > clip {
            clip / norm
        } else {
            1.0
        };
        self.gradients.scale((shrink / loss.weight) as f32);
        self.update(rate);
        self.step += 1;
        Ok(StepReport {
            step: self.step,
            loss: loss.sum / loss.weight,
            rate,
            gradient_norm: norm,
            rows: rows.len(),
            supervised: loss.tokens,
            tokens: rows
                .iter()
                .map(|&row| self.data.rows[row].tokens.len())
                .sum(),
            computed,
        })
    }

    /// Loss and gradients of rows, without an update. Times a step, and feeds the gates.
    ///
    /// # Errors
    /// What the model refuses.
    pub fn probe(&mut self, rows: &[usize]) -> Result<Probe, TrainError> {
        let (loss, computed) = self.accumulate(rows)?;
        Ok(Probe {
            loss: loss.sum / loss.weight,
            supervised: loss.tokens,
            computed,
        })
    }

    /// Gate of step 0: over rows, every B must receive a gradient, or a part of the adapter would
    /// never learn.
    ///
    /// # Errors
    /// Names the tensors without a gradient.
    pub fn check_gradients(&mut self, rows: &[usize]) -> Result<Probe, TrainError> {
        let probe = self.probe(rows)?;
        let places = self.adapter.layers.iter().enumerate();
        let names = places.flat_map(|(layer, pairs)| pairs.keys().map(move |p| (layer, p)));
        let second_of_each_pair = self.gradients.tensors().skip(1).step_by(2);
        let dead: Vec<String> = names
            .zip(second_of_each_pair)
            .filter(|(_, gradient)| gradient.iter().all(|&value| value == 0.0))
            .map(|((layer, projection), _)| format!("layer {layer} {projection:?}"))
            .collect();
        if dead.is_empty() {
            return Ok(probe);
        }
        Err(TrainError::Gate(format!(
            "no gradient reaches B in {} places: {}",
            dead.len(),
            dead.join(", ")
        )))
    }

    /// Sums the loss and its gradient over rows, micro-batch by micro-batch. Also returns the
    /// number of tokens computed.
    fn accumulate(&mut self, rows: &[usize]) -> Result<(Loss, usize), TrainError> {
        let prefix = self.data.prefix.len();
        let cut = order::micro_batches(rows, &self.lengths, prefix, self.sft.micro_tokens);
        self.gradients.zero();
        let mut total = Loss {
            sum: 0.0,
            weight: 0.0,
            tokens: 0,
        };
        let mut computed = 0;
        for micro in &cut {
            let loss = self.micro_batch(micro)?;
            total.sum += loss.sum;
            total.weight += loss.weight;
            total.tokens += loss.tokens;
            computed += prefix + micro.iter().map(|&row| self.lengths[row]).sum::<usize>();
        }
        Ok((total, computed))
    }

    /// Adds the gradients of rows that are computed at once; gives their loss.
    fn micro_batch(&mut self, rows: &[usize]) -> Result<Loss, TrainError> {
        let Self {
            model,
            adapter,
            data,
            lengths,
            gradients,
            trunk,
            ..
        } = self;
        let prefix = data.prefix.as_slice();
        let own = data.own_rows(rows);
        let batch = Batch { prefix, rows: &own };
        let Some(cache) = trunk else {
            return Ok(model.forward_backward(adapter, &batch, gradients)?);
        };
        let places: Vec<(usize, usize)> = rows.iter().map(|&row| (row, lengths[row])).collect();
        let x = cache.gather(prefix.len(), &places, |missing| {
            let rows = &data.own_rows(missing);
            model.trunk(adapter, &Batch { prefix, rows })
        })?;
        Ok(model.forward_backward_above(adapter, &batch, x, gradients)?)
    }

    /// One AdamW step. The adapter holds `alpha / rank · B` in place of B, and Adam's steps do not
    /// scale with the gradient: a rate that is `alpha / rank` times as high for B makes the very
    /// steps that training B itself would make, decay included.
    fn update(&mut self, rate: f32) {
        let (mut first, mut second) = (&mut self.first[..], &mut self.second[..]);
        let tensors = self.adapter.tensors_mut().zip(self.gradients.tensors());
        for (index, (tensor, gradient)) in tensors.enumerate() {
            let is_b = index % 2 == 1;
            let scale = if is_b { self.scale } else { 1.0 };
            let settings = AdamW {
                lr: rate * scale,
                weight_decay: self.sft.weight_decay / scale,
                ..AdamW::default()
            };
            let (m, first_rest) = first.split_at_mut(tensor.len());
            let (v, second_rest) = second.split_at_mut(tensor.len());
            adamw(tensor, gradient, m, v, settings, self.step as u64 + 1);
            (first, second) = (first_rest, second_rest);
        }
    }
}
