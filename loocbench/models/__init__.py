"""Backbones, last stages and heads."""
