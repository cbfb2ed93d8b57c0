"""Who may ask: wrong credentials, missing ones, and tokens that end in the middle."""

from __future__ import annotations

from streamalert_apps.errors import AppError, CredentialsError
from streamalert_apps.testing.kit import Trial
from streamalert_apps.testing.steps import Disturbance
from streamalert_apps.testing.world import Run, World


def wrong_credentials(trial: Trial) -> None:
    """Refuse in clear words, fail the run, leave the checkpoint alone; the right ones then collect all."""
    world = trial.world()
    _check(trial, world)
    for _ in range(2):  # in the first run, and when there is a checkpoint
        for _ in range(3):
            world.twin.put(world.app_type, at=world.clock.now())
        world.use(world.twin.wrong_credentials)
        before = world.head and world.head.checkpoint
        for _ in range(2):
            _hold_to_refusal(trial, world, world.tick())
        if before is not None and world.head and world.head.checkpoint != before:
            trial.say("a run with wrong credentials moved the checkpoint")
        world.use(world.twin.credentials)
        world.tick()
    trial.settle(world)


def revoked_token(trial: Trial) -> None:
    """Let every access token end before each request: a new one is asked for, and the walk goes on."""

    def revoking(world: World) -> Disturbance:
        return lambda _: world.twin.revoke_tokens()

    trial.each_step(World.fill, revoking, edges=("request",), done=(False,), what="tokens ended")


def _hold_to_refusal(trial: Trial, world: World, run: Run) -> None:
    if run.status != "failed" or not isinstance(run.error, CredentialsError):
        trial.say(f"with wrong credentials a run has to fail as refused credentials; it {run}")
    status = world.head.status if world.head else "missing"
    if status != "failed":
        trial.say(f"with wrong credentials the head is to say 'failed'; it says '{status}'")


def _check(trial: Trial, world: World) -> None:
    """Hold the check that `new` makes to its terms."""
    world.app().check()
    try:
        world.app(world.twin.wrong_credentials).check()
    except CredentialsError as error:
        if not error.message.strip():
            trial.say("the error for wrong credentials says nothing")
        world.leaks.look_at_error(error)
    except AppError as error:
        trial.say(f"check() with wrong credentials is to raise CredentialsError; it raised {error.code}")
    else:
        trial.say("check() accepts wrong credentials")
