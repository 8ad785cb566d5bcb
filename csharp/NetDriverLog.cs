using System;
using NetDriver.Interop;

namespace NetDriver
{
    /// <summary>
    /// Where the log lines of the library go. Without a callback they go nowhere.
    /// </summary>
    public static unsafe class NetDriverLog
    {
        // The library holds a pointer to this delegate, so it must live as long as the domain.
        private static readonly NativeMethods.nd_log_set_callback_callback_delegate s_OnLine =
            OnLine;
        private static volatile Action<NetDriverLogLevel, string> s_Callback;
        private static bool s_UnloadWatched;
        // Is this thread inside the callback? The library holds its log still meanwhile.
        [ThreadStatic]
        private static bool t_InCallback;

        /// <summary>Chooses where log lines go.</summary>
        /// <param name="level">The most talkative level to deliver.</param>
        /// <param name="callback">
        /// Gets each line; null stops the log. It runs on whichever thread logs: the one that makes
        /// a call, one that runs jobs, the background pump's; must not call a driver, and an
        /// exception that it throws is swallowed.
        /// </param>
        /// <returns>
        /// 0, or <see cref="Error.StatusCode.InvalidArgument"/> for an unknown level and for a call
        /// from inside the callback.
        /// </returns>
        /// <exception cref="NetDriverException">The library cannot be loaded.</exception>
        public static int SetCallback(
            NetDriverLogLevel level, Action<NetDriverLogLevel, string> callback)
        {
            Library.Require();
            // Another thread may hold the lock and wait for this callback to return.
            if (t_InCallback)
                return (int)Error.StatusCode.InvalidArgument;
            lock (s_OnLine)
            {
                if (!s_UnloadWatched)
                {
                    // A line must not arrive in a domain that is gone (a script reload in Unity).
                    AppDomain.CurrentDomain.DomainUnload += OnUnload;
                    s_UnloadWatched = true;
                }
                Action<NetDriverLogLevel, string> before = s_Callback;
                s_Callback = level == NetDriverLogLevel.None ? null : callback;
                int result = NativeMethods.nd_log_set_callback(
                    (uint)level, callback == null ? null : s_OnLine, null);
                if (result != NativeMethods.ND_OK)
                    s_Callback = before;
                return result;
            }
        }

        /// <summary>A line of this side: something that the program did has thrown.</summary>
        internal static void Report(Exception exception)
        {
            Action<NetDriverLogLevel, string> callback = s_Callback;
            if (callback == null || t_InCallback)
                return;
            t_InCallback = true;
            try
            {
                callback(NetDriverLogLevel.Error, exception.ToString());
            }
            catch (Exception)
            {
            }
            finally
            {
                t_InCallback = false;
            }
        }

        private static void OnUnload(object sender, EventArgs arguments)
        {
            NativeMethods.nd_log_set_callback(0, null, null);
        }

        [MonoPInvokeCallback(typeof(NativeMethods.nd_log_set_callback_callback_delegate))]
        private static void OnLine(uint level, byte* text, void* user)
        {
            // An exception must not pass through the library's frames.
            bool outer = t_InCallback;
            t_InCallback = true;
            try
            {
                Action<NetDriverLogLevel, string> callback = s_Callback;
                if (callback != null)
                    callback((NetDriverLogLevel)level, Utf8.ReadNulEnded(text));
            }
            catch (Exception)
            {
            }
            finally
            {
                t_InCallback = outer;
            }
        }
    }
}
