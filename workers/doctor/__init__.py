"""What is wrong with an installation: one check a module, each of which looks, changes nothing, and never raises."""
