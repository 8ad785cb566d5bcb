using System;
using System.Runtime.InteropServices;

namespace NetDriver.Interop
{
    /// <summary>
    /// What the library calls for each connection. It is used for one job after the other, so that
    /// scheduling makes no garbage.
    /// </summary>
    internal sealed unsafe class JobForEachConnection
    {
        private readonly DriverState m_Driver;
        private GCHandle m_Self;
        internal INetworkJobForEachConnection Work;
        internal ulong Job;

        internal JobForEachConnection(DriverState driver)
        {
            m_Driver = driver;
            m_Self = GCHandle.Alloc(this);
        }

        /// <summary>This object, as the library knows it.</summary>
        internal void* Handle
        {
            get { return (void*)GCHandle.ToIntPtr(m_Self); }
        }

        internal bool IsOver
        {
            get
            {
                uint complete = 1;
                NativeMethods.nd_job_is_complete(Job, &complete);
                return complete != 0;
            }
        }

        internal void Execute(nd_concurrent* concurrent, ulong connection)
        {
            m_Driver.Block->UseConcurrent(concurrent);
            Work.Execute(
                new NetworkDriver.Concurrent(m_Driver.Block, m_Driver.Handle),
                NetworkConnection.FromValue(connection));
        }

        internal void Rest()
        {
            Work = null;
            Job = 0;
        }

        internal void Free()
        {
            m_Self.Free();
        }
    }
}
