using NetDriver.Interop;

namespace NetDriver
{
    /// <summary>
    /// How a client speaks TLS. The default trusts the certificates that the system trusts.
    /// </summary>
    public sealed class TlsClientOptions
    {
        /// <summary>Trust the certificates that the system trusts. Default true.</summary>
        public bool UseSystemRoots { get; set; }

        /// <summary>Certificates to trust beside those, as PEM. Null: none.</summary>
        public string CACertificate { get; set; }

        /// <summary>
        /// The name to ask for and to find in the certificate, instead of the host's. Null: the
        /// host's.
        /// </summary>
        public string ServerName { get; set; }

        /// <summary>
        /// The certificate to show to servers that ask for one. Null: none.
        /// </summary>
        public TlsIdentity Identity { get; set; }

        /// <summary>
        /// Verify nothing, so that anybody on the way can read and change everything; each
        /// connection logs a warning. For tests only.
        /// </summary>
        public bool Insecure { get; set; }

        /// <summary>The oldest version. Default 1.2.</summary>
        public TlsVersion MinimumVersion { get; set; }

        /// <summary>
        /// A file that gets the secrets of all sessions, in the format of SSLKEYLOGFILE, so that a
        /// program such as Wireshark can show what is sent. For tests only. Null: none.
        /// </summary>
        public string KeyLogFile { get; set; }

        /// <summary>Options with the default values.</summary>
        public TlsClientOptions()
        {
            UseSystemRoots = true;
            MinimumVersion = TlsVersion.Tls12;
        }

        internal TlsClientOptions Copy()
        {
            return (TlsClientOptions)MemberwiseClone();
        }

        /// <summary>All texts, in the order of <see cref="Fill"/>.</summary>
        internal TlsTexts Texts()
        {
            TlsTexts texts = new TlsTexts();
            texts.Add(CACertificate);
            texts.Add(Identity == null ? null : Identity.Certificate);
            texts.Add(Identity == null ? null : Identity.PrivateKey);
            texts.AddNulEnded(ServerName, "ServerName");
            texts.AddNulEnded(KeyLogFile, "KeyLogFile");
            return texts;
        }

        /// <summary>Fills the native struct; the texts lie at the pointer.</summary>
        internal unsafe void Fill(out nd_tls_client native, TlsTexts texts, byte* at)
        {
            nd_tls_client filled;
            NativeMethods.nd_tls_client_init(&filled);
            filled.use_system_roots = UseSystemRoots ? 1u : 0u;
            filled.insecure = Insecure ? 1u : 0u;
            filled.version_min = (uint)MinimumVersion;
            filled.ca = texts.At(at, 0);
            filled.ca_length = texts.Length(0);
            filled.identity.certificate = texts.At(at, 1);
            filled.identity.certificate_length = texts.Length(1);
            filled.identity.key = texts.At(at, 2);
            filled.identity.key_length = texts.Length(2);
            filled.server_name = texts.At(at, 3);
            filled.key_log_file = texts.At(at, 4);
            native = filled;
        }

        /// <summary>Lets clients on an interface speak TLS this way.</summary>
        internal unsafe int ApplyTo(nd_driver* driver, int interfaceIndex)
        {
            TlsTexts texts = Texts();
            fixed (byte* at = texts.ToArray())
            {
                nd_tls_client native;
                Fill(out native, texts, at);
                return NativeMethods.nd_driver_set_tls_client(
                    driver, (uint)interfaceIndex, &native);
            }
        }
    }
}
