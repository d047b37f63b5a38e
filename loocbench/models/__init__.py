"""Networks: backbones, the network of MoCo, MoCo++, LooC and LooC++, networks of other libraries, feature spaces."""
