"""Fixed code to measure our pages against, in the same processes and over the same tables: docs/performance.md.

Never tuned so that we look better: what stands here is what a careful author writes with Django's own means. It is
installed by `bench.settings` alone.
"""
