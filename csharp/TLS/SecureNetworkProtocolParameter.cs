#if NETDRIVER_COLLECTIONS
using NameText = Unity.Collections.FixedString512Bytes;
#else
using NameText = System.String;
#endif

namespace NetDriver.TLS
{
    /// <summary>
    /// Unity Transport's parameters of TLS, for servers and clients in one. The methods
    /// <see cref="NetworkSettings.WithSecureServerParameters(TlsServerOptions)"/> and
    /// <see cref="NetworkSettings.WithSecureClientParameters(TlsClientOptions)"/> say more.
    /// </summary>
    public struct SecureNetworkProtocolParameter : INetworkParameter
    {
        /// <summary>Whom to trust, in PEM; empty: a client trusts whom the system trusts.</summary>
        public FixedPEMString CACertificate;
        /// <summary>One's own certificate chain in PEM; empty: none, and no server.</summary>
        public FixedPEMString Certificate;
        /// <summary>Its key in PEM.</summary>
        public FixedPEMString PrivateKey;
        /// <summary>The name that the other side's certificate must be for; empty: on a client the
        /// host that it connects to, on a server any.</summary>
        public NameText Hostname;
        /// <summary>What a server asks of its clients.</summary>
        public SecureClientAuthPolicy ClientAuthenticationPolicy;

        /// <summary>Nothing is looked at before <see cref="NetworkDriver.Create()"/> reads the
        /// certificates.</summary>
        /// <returns>True.</returns>
        public bool Validate()
        {
            return true;
        }

        internal static SecureNetworkProtocolParameter From(
            TlsServerOptions server, TlsClientOptions client)
        {
            TlsIdentity identity = server == null ? client.Identity
                : server.Identities.Count == 0 ? null : server.Identities[0];
            string authority = server == null ? client.CACertificate : server.ClientCACertificate;
            string name = server == null ? client.ServerName : server.ClientName;
            SecureNetworkProtocolParameter made = default(SecureNetworkProtocolParameter);
            made.CACertificate = FixedPEMString.Shown(authority, "CA certificate");
            made.Hostname = Shown(name);
            if (identity != null)
            {
                made.Certificate = FixedPEMString.Shown(
                    identity.Certificate, "certificate");
                made.PrivateKey = FixedPEMString.Shown(identity.PrivateKey, "private key");
            }
            if (server != null)
                made.ClientAuthenticationPolicy = server.ClientCertificates;
            return made;
        }

        private static NameText Shown(string name)
        {
#if NETDRIVER_COLLECTIONS
            if (name != null && System.Text.Encoding.UTF8.GetByteCount(name)
                > NameText.UTF8MaxLengthInBytes)
                throw new System.InvalidOperationException(
                    "GetSecureParameters cannot show the name: it has more than "
                    + NameText.UTF8MaxLengthInBytes + " bytes. The settings are right and hold.");
#endif
            return name ?? string.Empty;
        }

        // Null without a certificate.
        internal TlsServerOptions AsServer()
        {
            TlsIdentity identity = Identity();
            return identity == null ? null : new TlsServerOptions(identity)
            {
                ClientCACertificate = CACertificate.OrNull(),
                ClientName = NameOrNull(),
                ClientCertificates = ClientAuthenticationPolicy,
            };
        }

        internal TlsClientOptions AsClient()
        {
            return new TlsClientOptions
            {
                CACertificate = CACertificate.OrNull(),
                UseSystemRoots = CACertificate.Length == 0,
                ServerName = NameOrNull(),
                Identity = Identity(),
            };
        }

        private TlsIdentity Identity()
        {
            return Certificate.Length == 0 ? null
                : new TlsIdentity(Certificate.ToString(), PrivateKey.ToString());
        }

        private string NameOrNull()
        {
            string name = (object)Hostname == null ? null : Hostname.ToString();
            return string.IsNullOrEmpty(name) ? null : name;
        }
    }
}
