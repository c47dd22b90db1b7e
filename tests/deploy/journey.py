"""journey.py BINARIES: deploys template.yaml with built functions, holds it to every step, and every mutant to its own.

With names of steps, or words of mutants, as further arguments: only those.
"""

import sys
import time
import traceback
from pathlib import Path

import hub
import mutants
import steps
from cloud import ROOT, Cloud, Stack

# In this order: what changes the stack comes last.
STEPS = [steps.refusals, steps.alerts, steps.subscribers, steps.alarms, steps.sweep, steps.sweep_is_checked, steps.failures, steps.undelivered,
         steps.samples, steps.ignored_settings, steps.health_key, hub.hub, hub.examples, steps.update, steps.delete]


def said(began, good, what, why=""):
    """One line for each check, and what it answers."""
    print(f"{'ok  ' if good else 'FAIL'} {time.monotonic() - began:5.1f} s  {what}{why and ': ' + why[:2000]}", flush=True)
    return good


def step(stack, check):
    """Whether the template holds."""
    began = time.monotonic()
    for patience in (2, 1, 0):
        stack.was_slow = False
        try:
            check(stack)
        except AssertionError as error:
            if stack.was_slow and patience:
                # Not of the template: a function gave up on a call that took longer than people should wait.
                stack.invocations(), stack.mail()
                continue
            return said(began, False, check.__name__, str(error))
        return said(began, True, check.__name__)


def mutant(cloud, text, one):
    """Whether a fault is found by the step that should find it, and not by accident."""
    began = time.monotonic()
    stack = Stack(cloud, mutants.changed(text, one.block, one.old, one.new))
    name = getattr(one.check, "func", one.check).__name__
    try:
        one.check(stack)
    except AssertionError as error:
        found = one.words in str(error)
        return said(began, found, one.what, name if found else f"{name} finds something else: {error}")
    finally:
        stack.delete()
    return said(began, False, one.what, f"{name} does not find it")


def main(binaries, only):
    """All of it, on one cloud."""
    text = (ROOT / "template.yaml").read_text(encoding="utf-8")
    wanted = lambda name: not only or any(word in name for word in only)
    good = []
    with Cloud() as cloud:
        began = time.monotonic()
        cloud.package(binaries)
        said(began, True, "packaged")
        try:
            asked = [check for check in STEPS if wanted(check.__name__)]
            if asked:
                stack = Stack(cloud, text)
                good += [step(stack, check) for check in asked]
                if steps.delete not in asked:
                    stack.delete()
            good += [mutant(cloud, text, one) for one in mutants.MUTANTS if wanted(one.what)]
        except Exception:
            traceback.print_exc()
            print(cloud.log.read_text(errors="replace")[-1500:])
            good.append(False)
    print(f"{sum(good)} of {len(good)} in {time.monotonic() - began:.0f} s")
    return 0 if good and all(good) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
