using System;

namespace NetDriver.Interop
{
    /// <summary>
    /// Loads the native library once and checks that it fits.
    /// </summary>
    /// <remarks>
    /// The runtime looks for the library by the name "netdriver": libnetdriver.so on Linux,
    /// libnetdriver.dylib on macOS, netdriver.dll on Windows, and in the program itself on iOS.
    /// Put it beside the program, into a folder of LD_LIBRARY_PATH (DYLD_LIBRARY_PATH, PATH), or
    /// into Assets/Plugins of a Unity project.
    /// </remarks>
    internal static unsafe class Library
    {
        private static readonly string s_Failure;
        private static readonly Error.StatusCode s_Status = Error.StatusCode.NotSupported;

        static Library()
        {
            try
            {
                uint found = NativeMethods.nd_abi_version();
                if (found != NativeMethods.ND_ABI_VERSION)
                    s_Failure = "The netdriver library that was loaded has version " + found
                        + " of the binary interface; this assembly needs version "
                        + NativeMethods.ND_ABI_VERSION
                        + ". Use the library and the C# sources of one release.";
            }
            catch (DllNotFoundException error)
            {
                s_Status = Error.StatusCode.NotFound;
                s_Failure = "The native library netdriver (libnetdriver.so, libnetdriver.dylib, "
                    + "netdriver.dll) was not found. Put it beside the program or into a folder "
                    + "where the system looks for libraries. " + error.Message;
            }
            catch (EntryPointNotFoundException error)
            {
                s_Failure = "The library that was loaded as netdriver is another one, or too old. "
                    + error.Message;
            }
            catch (BadImageFormatException error)
            {
                s_Failure = "The netdriver library that was found is not for this processor. "
                    + error.Message;
            }
        }

        /// <summary>Throws when the library is missing or does not fit.</summary>
        internal static void Require()
        {
            if (s_Failure != null)
                throw new NetDriverException(s_Status, s_Failure);
        }

        /// <summary>The text of the last error on this thread.</summary>
        internal static string LastError()
        {
            const int enough = 512;
            byte* small = stackalloc byte[enough];
            uint length;
            if (NativeMethods.nd_last_error(small, enough, &length) == NativeMethods.ND_OK)
                return Utf8.Read(small, (int)length);
            byte[] large = new byte[length + 1];
            fixed (byte* at = large)
            {
                if (NativeMethods.nd_last_error(at, length + 1, &length) == NativeMethods.ND_OK)
                    return Utf8.Read(at, (int)length);
            }
            return string.Empty;
        }

        /// <summary>The exception for a call that failed just now.</summary>
        internal static NetDriverException Failure(string what, int status)
        {
            return new NetDriverException((Error.StatusCode)status, what + ": " + LastError()
                + " (" + Utf8.ReadNulEnded(NativeMethods.nd_result_name(status)) + ", "
                + status + ")");
        }
    }
}
