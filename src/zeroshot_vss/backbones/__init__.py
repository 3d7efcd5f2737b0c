"""Backbones: frozen diffusion models behind one interface, see :mod:`zeroshot_vss.backbones.base`."""
