"""Why the loop is fast. Nothing in this folder changes a result.

What is computed stands in :mod:`dasbe.definition`, :mod:`dasbe.snn` and
:mod:`dasbe.ann`; here stands how it is computed for many images at once. The tests
compare both, to the last spike, from the same random numbers.

Of an image with P pixels, F of them with ink, a network P–L–P and cycles of d steps, the
literal form takes 4·d·P·L operations a cycle, in d evaluations of the network, and 3·d·P
random numbers (shapes: P = 784, F = 125, L = 400, d = 32: 40 million and 75 thousand).

- **A whole cycle at once.** Feedback arrives one cycle late, so all spikes of a cycle can
  be drawn before the network is evaluated, once, for all steps and images
  (:mod:`dasbe.binding.loop`). That is exact.
- **The foreground alone** (:mod:`~dasbe.engine.foreground`). A pixel without ink never
  fires and never uses its feedback: 4·d·F·L operations remain, a sixth (shapes), and as
  few random numbers. These are the *dense bound* that ``scripts/benchmark.py`` measures
  the loop against.
- **Spike-driven layers** (:mod:`~dasbe.engine.attention`). About a tenth of the foreground
  is seen in a step, so the first layer adds up that many weights: little more than
  2·d·F·L remain.
- **Lazy feedback** (:mod:`~dasbe.engine.feedback`). A refractory pixel does not need it.
  Where hardly more than a sixth of the pixels are ready to fire, it is computed for those
  alone, when they are.
- **Feedback for the pixels that fire** (:mod:`~dasbe.engine.phases`). A pixel of competing
  phases needs lazy feedback only if it fires in the cycle: with q = ½ and two steps a
  phase, three quarters of them do.
- **Colours of phases** (:mod:`~dasbe.engine.colours`) are those of the pixels that fired, and are
  compared with those of the ink alone: a cycle of K phases takes K means and K·F exponentials.
- **One compiled pass for the neurons** (:mod:`~dasbe.engine.neurons`): random number,
  membrane, refractoriness and coincidence detector of a step while they are in the cache.
  One 32-bit word gives a uniform number and both coins (:mod:`~dasbe.engine.streams`).
- **Blocks** (:mod:`~dasbe.engine.parallel`): as many images as fit into a core's cache,
  one thread each; images of about the same size, so that little is padded.
- **Products** (:mod:`~dasbe.engine.parallel`) of float32 at the full width of the CPU.

On other devices than a CPU the same runs on tensors, without compiled passes,
spike-driven layers and lazy feedback.
"""

from dasbe.support.lazy import import_lazily

import_lazily(__name__)
