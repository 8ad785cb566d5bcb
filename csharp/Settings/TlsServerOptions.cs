using System;
using System.Collections.Generic;
using NetDriver.Interop;

namespace NetDriver
{
    /// <summary>How a server speaks TLS.</summary>
    public sealed class TlsServerOptions
    {
        /// <summary>
        /// The server's certificates. A client gets the first one that is for the name it asks for;
        /// the first of all when it asks for none, or for one that none has.
        /// </summary>
        public IList<TlsIdentity> Identities { get; private set; }

        /// <summary>What is asked of clients. Default: nothing.</summary>
        public SecureClientAuthPolicy ClientCertificates { get; set; }

        /// <summary>Who issues the clients' certificates, as PEM. Null: nobody.</summary>
        public string ClientCACertificate { get; set; }

        /// <summary>The name that a client's certificate must be for. Null: any.</summary>
        public string ClientName { get; set; }

        /// <summary>The oldest version. Default 1.2.</summary>
        public TlsVersion MinimumVersion { get; set; }

        /// <summary>
        /// A file that gets the secrets of all sessions, in the format of SSLKEYLOGFILE, so that a
        /// program such as Wireshark can show what is sent. For tests only. Null: none.
        /// </summary>
        public string KeyLogFile { get; set; }

        /// <summary>A server with certificates.</summary>
        /// <param name="identities">At least one.</param>
        public TlsServerOptions(params TlsIdentity[] identities)
        {
            if (identities == null || Array.IndexOf(identities, null) >= 0)
                throw new ArgumentNullException("identities");
            Identities = new List<TlsIdentity>(identities);
            MinimumVersion = TlsVersion.Tls12;
        }

        internal TlsServerOptions Copy()
        {
            TlsServerOptions copy = (TlsServerOptions)MemberwiseClone();
            copy.Identities = new List<TlsIdentity>(Identities);
            return copy;
        }

        /// <summary>Lets the listeners of an interface speak TLS this way.</summary>
        internal unsafe int ApplyTo(nd_driver* driver, int interfaceIndex)
        {
            TlsTexts texts = new TlsTexts();
            texts.Add(ClientCACertificate);
            texts.AddNulEnded(ClientName, "ClientName");
            texts.AddNulEnded(KeyLogFile, "KeyLogFile");
            foreach (TlsIdentity identity in Identities)
            {
                texts.Add(identity.Certificate);
                texts.Add(identity.PrivateKey);
                texts.Add(identity.OcspResponse);
            }
            int count = Identities.Count;
            nd_tls_identity[] identities = new nd_tls_identity[count];
            fixed (byte* at = texts.ToArray())
            fixed (nd_tls_identity* first = identities)
            {
                for (int i = 0; i < count; i++)
                {
                    int text = 3 + 3 * i;
                    first[i].certificate = texts.At(at, text);
                    first[i].certificate_length = texts.Length(text);
                    first[i].key = texts.At(at, text + 1);
                    first[i].key_length = texts.Length(text + 1);
                    first[i].ocsp = texts.At(at, text + 2);
                    first[i].ocsp_length = texts.Length(text + 2);
                }
                nd_tls_server native;
                NativeMethods.nd_tls_server_init(&native);
                native.identities = first;
                native.identity_count = (uint)count;
                native.client_certificates = (uint)ClientCertificates;
                native.version_min = (uint)MinimumVersion;
                native.client_ca = texts.At(at, 0);
                native.client_ca_length = texts.Length(0);
                native.client_name = texts.At(at, 1);
                native.key_log_file = texts.At(at, 2);
                return NativeMethods.nd_driver_set_tls_server(
                    driver, (uint)interfaceIndex, &native);
            }
        }
    }
}
