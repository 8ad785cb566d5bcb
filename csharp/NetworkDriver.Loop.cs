using NetDriver.Interop;

namespace NetDriver
{
    /// <content>What a program with a loop of its own needs to sleep by.</content>
    public unsafe partial struct NetworkDriver
    {
        /// <summary>
        /// A file descriptor that is readable when an update has something to receive, or when
        /// <see cref="Wake"/> was called: for a loop of your own on epoll, poll or kqueue, in
        /// place of <see cref="Wait"/>. On Windows the handle of an event that is set then and
        /// reset by the update, for <c>WaitHandle.WaitAny</c> and the like: put it into the
        /// <c>SafeWaitHandle</c> of a <c>ManualResetEvent</c>, as not owned. It is the driver's:
        /// do not read, reset or close it. Timers do not make it readable; see
        /// <see cref="GetNextTimeoutMS"/>.
        /// </summary>
        /// <param name="descriptor">The descriptor or handle; -1 when there is none.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>; NotSupported with
        /// <see cref="NetDriverParameter.backgroundPump"/>, which takes what the descriptor would
        /// tell of.</returns>
        public int GetPollDescriptor(out long descriptor)
        {
            long value = -1;
            int result = NativeMethods.nd_driver_get_poll_descriptor(Handle, &value);
            descriptor = value;
            return result;
        }

        /// <summary>
        /// How long a loop of your own may sleep when the descriptor does not become readable.
        /// </summary>
        /// <returns>Milliseconds; 0: update now; -1: for ever, also for a disposed driver.
        /// </returns>
        public int GetNextTimeoutMS()
        {
            uint value = NativeMethods.ND_TIMEOUT_NEVER;
            NativeMethods.nd_driver_get_next_timeout(Handle, &value);
            if (value == NativeMethods.ND_TIMEOUT_NEVER)
                return -1;
            return value > int.MaxValue ? int.MaxValue : (int)value;
        }
    }
}
