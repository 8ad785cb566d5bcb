using NetDriver.Interop;

namespace NetDriver
{
    /// <summary>Facts about the loaded native library, and its last error in words.</summary>
    public static unsafe class NetDriverLibrary
    {
        /// <summary>The version of the binary interface that this assembly was made for.</summary>
        public const int ExpectedAbiVersion = (int)NativeMethods.ND_ABI_VERSION;

        /// <summary>The version of the binary interface that the loaded library has.</summary>
        /// <exception cref="NetDriverException">The library cannot be loaded.</exception>
        public static int AbiVersion
        {
            get
            {
                Library.Require();
                return (int)NativeMethods.nd_abi_version();
            }
        }

        /// <summary>The version of the loaded library, such as "0.3.0".</summary>
        /// <exception cref="NetDriverException">The library cannot be loaded.</exception>
        public static string Version
        {
            get
            {
                Library.Require();
                return Utf8.ReadNulEnded(NativeMethods.nd_version());
            }
        }

        /// <summary>
        /// What was wrong in the last call that failed on this thread, and what to do. Read it
        /// right after the call.
        /// </summary>
        /// <exception cref="NetDriverException">The library cannot be loaded.</exception>
        public static string LastError
        {
            get
            {
                Library.Require();
                return Library.LastError();
            }
        }

        /// <summary>The short name of a status number, such as "NetworkSendQueueFull".</summary>
        /// <param name="status">What a call returned.</param>
        /// <returns>The name; "Unknown" for a number that is none.</returns>
        /// <exception cref="NetDriverException">The library cannot be loaded.</exception>
        public static string StatusName(int status)
        {
            Library.Require();
            return Utf8.ReadNulEnded(NativeMethods.nd_result_name(status));
        }

        /// <summary>The short name of a disconnect reason, such as "ClosedByRemote".</summary>
        /// <param name="reason">The byte in the reader of a Disconnect event.</param>
        /// <returns>The name; "Unknown" for a number that is none.</returns>
        /// <exception cref="NetDriverException">The library cannot be loaded.</exception>
        public static string DisconnectReasonName(int reason)
        {
            Library.Require();
            return Utf8.ReadNulEnded(NativeMethods.nd_disconnect_reason_name(reason));
        }
    }
}
