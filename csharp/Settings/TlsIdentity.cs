using System;

namespace NetDriver
{
    /// <summary>A certificate and its key, as PEM texts.</summary>
    public sealed class TlsIdentity
    {
        /// <summary>The chain: the own certificate first, then those of its issuers.</summary>
        public string Certificate { get; private set; }

        /// <summary>The private key (PKCS #8, PKCS #1 or SEC 1, not encrypted).</summary>
        public string PrivateKey { get; private set; }

        /// <summary>
        /// Servers: the answer of the issuer's OCSP service (RFC 6960) in DER, which clients get
        /// along with the certificate. Nobody here fetches it or looks at it: set it anew with
        /// <see cref="NetworkDriver.SetTlsServer"/> before it gets old. Null: none.
        /// </summary>
        public byte[] OcspResponse { get; set; }

        /// <summary>Makes an identity.</summary>
        /// <param name="certificate">The chain in PEM.</param>
        /// <param name="privateKey">The key in PEM.</param>
        public TlsIdentity(string certificate, string privateKey)
        {
            if (certificate == null)
                throw new ArgumentNullException("certificate");
            if (privateKey == null)
                throw new ArgumentNullException("privateKey");
            Certificate = certificate;
            PrivateKey = privateKey;
        }
    }
}
