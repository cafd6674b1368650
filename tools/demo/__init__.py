"""The main job, watched from the phone's side: `python -m tools.demo`."""
