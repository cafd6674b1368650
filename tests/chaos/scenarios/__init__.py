"""What is broken, scenario by scenario, and how everything comes home after it."""
