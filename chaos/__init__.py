"""`make chaos`: people write through the pages while everything that runs is killed at random (docs/chaos.md)."""
