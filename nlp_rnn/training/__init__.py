"""Training: the loop, optimizers, losses, checkpoints."""

from nlp_rnn.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "trainer": ["TrainingPlan", "fit", "training_plan"],
        "objective": ["Objective"],
        "optimizers": ["FusedAdam", "LayeredAdam"],
        "losses": ["cross_entropy", "sampled_cross_entropy"],
    },
)
