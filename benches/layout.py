"""An OCI image layout of one layer, for the peers that unpack only images."""

import gzip
import hashlib
import json


def write(directory, layer):
    """An image `latest`, whose only layer is this tar.gz."""
    blobs = directory / "blobs/sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    packed = layer.read_bytes()
    diff = hashlib.sha256(gzip.decompress(packed)).hexdigest()
    config = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff}"]}}
    manifest = {
        "schemaVersion": 2,
        "config": add(blobs, "application/vnd.oci.image.config.v1+json", json.dumps(config).encode()),
        "layers": [add(blobs, "application/vnd.oci.image.layer.v1.tar+gzip", packed)],
    }
    named = add(blobs, "application/vnd.oci.image.manifest.v1+json", json.dumps(manifest).encode())
    named["annotations"] = {"org.opencontainers.image.ref.name": "latest"}
    (directory / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [named]}))
    (directory / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')


def add(blobs, kind, content):
    """Adds a blob, and returns its descriptor."""
    digest = hashlib.sha256(content).hexdigest()
    (blobs / digest).write_bytes(content)
    return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(content)}
