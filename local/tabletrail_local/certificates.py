"""The stack's own certificates: a root, one for the node, one for the administrator. Made once per stack.

They follow what Python 3.13 checks by default (key usage, key identifiers), so that clients need no relaxed settings.
"""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tabletrail_local.private_files import write_private

NODE_DN = "CN=node,O=tabletrail local"
ADMIN_DN = "CN=admin,O=tabletrail local"
_LIFETIME = datetime.timedelta(days=3650)
_FILES = [f"{name}{ending}" for name in ("root-ca", "node", "admin") for ending in (".pem", "-key.pem")]


def ensure_certificates(directory: Path) -> None:
    """Makes all of them when one is missing: a node and a root of different makings would not trust each other."""
    if all((directory / name).is_file() for name in _FILES):
        return
    root_key = ec.generate_private_key(ec.SECP256R1())
    root_name = _name("root")
    root = _sign(_describe_root(root_name, root_key.public_key()), root_key)
    _write(directory, "root-ca", root, root_key)
    addresses: list[x509.GeneralName] = [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.IPAddress(ipaddress.ip_address("::1")),
    ]
    for name, alternatives in (("node", addresses), ("admin", [])):
        key = ec.generate_private_key(ec.SECP256R1())
        description = _describe_leaf(_name(name), root_name, key.public_key(), root_key.public_key(), alternatives)
        _write(directory, name, _sign(description, root_key), key)


def _name(common_name: str) -> x509.Name:
    # Written from the root of the name down: read in RFC 4514 order it gives NODE_DN and ADMIN_DN.
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "tabletrail local"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _start(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))  # clocks of containers and hosts differ
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _describe_root(name: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    return (
        _start(name, name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
    )


def _describe_leaf(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    issuer_key: ec.EllipticCurvePublicKey,
    alternatives: list[x509.GeneralName],
) -> x509.CertificateBuilder:
    usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    builder = (
        _start(subject, issuer, key)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(usages, critical=False)
    )
    return builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False) if alternatives else builder


def _key_usage(signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _sign(builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    return builder.sign(key, hashes.SHA256())


def _write(directory: Path, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_private(directory / f"{name}-key.pem", private)
    write_private(directory / f"{name}.pem", certificate.public_bytes(serialization.Encoding.PEM))
