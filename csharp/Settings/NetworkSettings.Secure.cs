using System;
using NetDriver.TLS;

namespace NetDriver
{
    public partial struct NetworkSettings
    {
        /// <summary>
        /// Lets the WebSocket interfaces of a driver listen with TLS (wss). Creating a driver with
        /// a UDP interface and these fails: DTLS is not there, and nothing leaves in clear text.
        /// </summary>
        /// <param name="certificate">The server's certificate chain in PEM.</param>
        /// <param name="privateKey">Its key in PEM.</param>
        /// <returns>These settings.</returns>
        public NetworkSettings WithSecureServerParameters(string certificate, string privateKey)
        {
            return WithSecureServerParameters(
                new TlsServerOptions(new TlsIdentity(certificate, privateKey)));
        }

        /// <summary>The same, with certificates of clients.</summary>
        /// <param name="certificate">The server's certificate chain in PEM.</param>
        /// <param name="privateKey">Its key in PEM.</param>
        /// <param name="caCertificate">Who issues the clients' certificates, in PEM.</param>
        /// <param name="clientName">The name that they must be for; null or empty: any.</param>
        /// <param name="clientAuthenticationPolicy">What is asked of clients.</param>
        /// <returns>These settings.</returns>
        public NetworkSettings WithSecureServerParameters(
            string certificate, string privateKey, string caCertificate, string clientName,
            SecureClientAuthPolicy clientAuthenticationPolicy = SecureClientAuthPolicy.Required)
        {
            return WithSecureServerParameters(
                new TlsServerOptions(new TlsIdentity(certificate, privateKey))
                {
                    ClientCACertificate = caCertificate,
                    ClientName = string.IsNullOrEmpty(clientName) ? null : clientName,
                    ClientCertificates = clientAuthenticationPolicy,
                });
        }

        /// <summary>The same, with all that can be said.</summary>
        /// <param name="options">How to speak TLS; copied.</param>
        /// <returns>These settings.</returns>
        public NetworkSettings WithSecureServerParameters(TlsServerOptions options)
        {
            if (options == null)
                throw new ArgumentNullException("options");
            Forget().SecureServer = options.Copy();
            return this;
        }

        /// <summary>
        /// Lets clients on the WebSocket interfaces of a driver speak TLS (wss), with the
        /// certificates that the system trusts. Creating a driver with a UDP interface and these
        /// fails: DTLS is not there, and nothing leaves in clear text.
        /// </summary>
        /// <param name="serverName">The name that the server's certificate must be for; null or
        /// empty: the host that is connected to.</param>
        /// <returns>These settings.</returns>
        public NetworkSettings WithSecureClientParameters(string serverName)
        {
            return WithSecureClientParameters(Client(serverName));
        }

        /// <summary>The same, trusting one authority and nobody else.</summary>
        /// <param name="caCertificate">Whom to trust, in PEM; null: whom the system
        /// trusts.</param>
        /// <param name="serverName">The name that the server's certificate must be for; null or
        /// empty: the host that is connected to.</param>
        /// <returns>These settings.</returns>
        public NetworkSettings WithSecureClientParameters(string caCertificate, string serverName)
        {
            TlsClientOptions options = Client(serverName);
            options.CACertificate = caCertificate;
            options.UseSystemRoots = caCertificate == null;
            return WithSecureClientParameters(options);
        }

        /// <summary>The same, with a certificate for servers that ask for one.</summary>
        /// <param name="certificate">The client's certificate chain in PEM.</param>
        /// <param name="privateKey">Its key in PEM.</param>
        /// <param name="caCertificate">Whom to trust, in PEM; null: whom the system
        /// trusts.</param>
        /// <param name="serverName">The name that the server's certificate must be for; null or
        /// empty: the host that is connected to.</param>
        /// <returns>These settings.</returns>
        public NetworkSettings WithSecureClientParameters(
            string certificate, string privateKey, string caCertificate, string serverName)
        {
            TlsClientOptions options = Client(serverName);
            options.CACertificate = caCertificate;
            options.UseSystemRoots = caCertificate == null;
            options.Identity = new TlsIdentity(certificate, privateKey);
            return WithSecureClientParameters(options);
        }

        /// <summary>The same, with all that can be said.</summary>
        /// <param name="options">How to speak TLS; copied.</param>
        /// <returns>These settings.</returns>
        public NetworkSettings WithSecureClientParameters(TlsClientOptions options)
        {
            if (options == null)
                throw new ArgumentNullException("options");
            Forget().SecureClient = options.Copy();
            return this;
        }

        // What was said in one struct, of servers and clients, does not hold any more.
        private Values Forget()
        {
            Values own = Own();
            if (own.Parameters.Remove(typeof(SecureNetworkProtocolParameter)))
            {
                own.SecureServer = null;
                own.SecureClient = null;
            }
            return own;
        }

        private static TlsClientOptions Client(string serverName)
        {
            return new TlsClientOptions
            {
                ServerName = string.IsNullOrEmpty(serverName) ? null : serverName,
            };
        }

        /// <summary>The same, with a certificate and a key as values.</summary>
        /// <param name="certificate">The server's certificate chain.</param>
        /// <param name="privateKey">Its key.</param>
        /// <returns>These settings.</returns>
        public NetworkSettings WithSecureServerParameters(
            ref FixedPEMString certificate, ref FixedPEMString privateKey)
        {
            return WithSecureServerParameters(certificate.ToString(), privateKey.ToString());
        }

        /// <summary>What was said of TLS, as Unity Transport has it: of a server, if that was said,
        /// else of a client.</summary>
        /// <returns>The parameters.</returns>
        /// <exception cref="InvalidOperationException">Nothing was said, or more than the struct
        /// holds: a certificate or key is longer than <see cref="FixedPEMString.MaxLength"/>
        /// bytes. The settings hold all the same.</exception>
        public SecureNetworkProtocolParameter GetSecureParameters()
        {
            SecureNetworkProtocolParameter raw;
            if (TryGet(out raw))
                return raw;
            if (!IsSecure)
                throw new InvalidOperationException(
                    "Nothing was said of TLS; call WithSecureServerParameters or "
                    + "WithSecureClientParameters before.");
            return SecureNetworkProtocolParameter.From(
                m_Values.SecureServer, m_Values.SecureClient);
        }

        /// <summary>Was TLS asked for?</summary>
        internal bool IsSecure
        {
            get
            {
                return m_Values != null
                    && (m_Values.SecureServer != null || m_Values.SecureClient != null);
            }
        }

        /// <summary>Lets an interface speak TLS as these settings say.</summary>
        internal unsafe int SecureInterface(Interop.nd_driver* driver, int interfaceIndex)
        {
            int result = Interop.NativeMethods.ND_OK;
            if (m_Values != null && m_Values.SecureServer != null)
                result = m_Values.SecureServer.ApplyTo(driver, interfaceIndex);
            if (result == Interop.NativeMethods.ND_OK && m_Values != null
                && m_Values.SecureClient != null)
                result = m_Values.SecureClient.ApplyTo(driver, interfaceIndex);
            return result;
        }
    }
}
