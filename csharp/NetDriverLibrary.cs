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

        /// <summary>The version of the loaded library, such as "0.4.0".</summary>
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

        /// <summary>
        /// Lets the process have more files and sockets open at once. The system starts programs
        /// with few (often 1024); a server needs one for each client of a stream, and a few
        /// besides, while clients over UDP need none. A limit that is high enough already stays.
        /// </summary>
        /// <param name="wanted">How many; 0 for as many as the system allows.</param>
        /// <returns>How many may be open now, long.MaxValue where there is no limit; or a negative
        /// <see cref="Error.StatusCode"/>: LimitReached when the system allows less than was
        /// wanted, and LastError says how to raise its bound.</returns>
        /// <exception cref="System.ArgumentOutOfRangeException"><paramref name="wanted"/> is below
        /// 0.</exception>
        /// <exception cref="NetDriverException">The library cannot be loaded.</exception>
        public static long RaiseDescriptorLimit(long wanted = 0)
        {
            if (wanted < 0)
                throw new System.ArgumentOutOfRangeException("wanted");
            Library.Require();
            ulong limit = 0;
            int result = NativeMethods.nd_raise_descriptor_limit((ulong)wanted, &limit);
            if (result != NativeMethods.ND_OK)
                return result;
            return limit > long.MaxValue ? long.MaxValue : (long)limit;
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
