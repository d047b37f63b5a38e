"""The file of a site: everything has a default that is no site's, and mistakes are one line."""

import pytest

from loocbench.errors import UserError
from loocbench.executors.site import Site, read_site


def test_without_a_file_nothing_is_asked(tmp_path):
    assert read_site(None) == Site()
    path = tmp_path / "site.toml"
    path.write_text("")
    assert read_site(path) == Site()


def test_a_whole_file(tmp_path):
    path = tmp_path / "site.toml"
    path.write_text(
        '[pretrain]\ngpus = 4\nprocesses = 4\nminutes = 600\n[measure]\ncores = 8\n[slurm]\npartition = "gpu"\n'
        'account = "vision"\nmodules = ["cuda/12.4"]\nsbatch = ["--constraint=a100"]\n[ray]\naddress = "auto"\n'
    )
    site = read_site(path)
    assert (site.pretrain, site.measure) == ({"gpus": 4, "processes": 4, "minutes": 600}, {"cores": 8})
    assert (site.slurm.partition, site.slurm.sbatch, site.ray.address) == ("gpu", ("--constraint=a100",), "auto")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[slurm]\npartitoin = 'gpu'", "slurm.partitoin"),
        ("[pretrain]\ngpu = 1", "unknown need 'gpu'; use processes, nodes, gpus"),
        ("[slurm]\nsbatch = ['-C a100']", "'-C a100' is not a long option, such as --constraint=a100"),
        ("[slurm]\nsbatch = ['--dependency=singleton']", "'--dependency=singleton' is loocbench's own to say"),
        ("[slurm", "not valid TOML"),
        (None, "cannot read card"),
    ],
)
def test_mistakes_are_one_line(tmp_path, text, message):
    path = tmp_path / "site.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError, match=message):
        read_site(path)
