"""Where models are cached: the variable that older releases of transformers read still counts.

transformers 5 reads `HF_HOME` and `HF_HUB_CACHE` only. `HF_HOME` wins where both are set, since the
models that diffusers fetched have always been there.
"""

from collections.abc import MutableMapping

OLD_VARIABLE = "TRANSFORMERS_CACHE"
NEW_VARIABLE = "HF_HUB_CACHE"
#: Each of them says already where the hub's files are.
DECIDING = (NEW_VARIABLE, "HUGGINGFACE_HUB_CACHE", "HF_HOME")


def honour_old_variable(environment: MutableMapping[str, str]) -> None:
    """To be called before the hub's library is imported, and before the engine is started."""
    old = environment.get(OLD_VARIABLE)
    if old and not any(environment.get(name) for name in DECIDING):
        environment[NEW_VARIABLE] = old
