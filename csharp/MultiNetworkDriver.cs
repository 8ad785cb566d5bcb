using System;
using NetDriver.Interop;
#if UNITY_5_3_OR_NEWER
using Unity.Jobs;
#endif

namespace NetDriver
{
    /// <summary>
    /// Several drivers that a program uses as one, as Unity Transport's. They have numbers from 1
    /// on (Unity: up to 4; here: up to 255), and a connection says whose it is
    /// (<see cref="NetworkConnection.DriverId"/>): all calls of that driver take it too. A driver
    /// with several interfaces (<see cref="NetworkDriver.AddInterface"/>) does the same where one
    /// set of settings is enough.
    /// </summary>
    /// <remarks>A small value without references: copies are one collection, and structs of
    /// Unity's jobs take it.</remarks>
    public unsafe partial struct MultiNetworkDriver : IDisposable
    {
        /// <summary>The most drivers.</summary>
        public const int MaxDriverCount = 255;

        // Addresses as numbers, as in NetworkDriver.
        private readonly ulong m_Block;
        private readonly ulong m_Native;

        private MultiNetworkDriver(MultiBlock* block, nd_multi_driver* native)
        {
            m_Block = (ulong)block;
            m_Native = (ulong)native;
        }

        /// <summary>Creates a collection without drivers.</summary>
        /// <returns>The collection.</returns>
        /// <exception cref="NetDriverException">It cannot be created.</exception>
        public static MultiNetworkDriver Create()
        {
            Library.Require();
            nd_multi_driver* native;
            int result = NativeMethods.nd_multi_driver_create(&native);
            if (result != NativeMethods.ND_OK)
                throw Library.Failure("The collection of drivers cannot be created", result);
            return new MultiNetworkDriver(MultiBlock.Take(native), native);
        }

        /// <summary>Was it created, and not disposed?</summary>
        public bool IsCreated
        {
            get { return Block != null; }
        }

        /// <summary>How many drivers there are; their numbers are 1 to this.</summary>
        public int DriverCount
        {
            get { return Count; }
        }

        // Null when the collection is not there: then its block may be another one's.
        private MultiBlock* Block
        {
            get
            {
                MultiBlock* block = (MultiBlock*)m_Block;
                return block != null && block->Native == (nd_multi_driver*)m_Native ? block : null;
            }
        }

        private int Count
        {
            get
            {
                MultiBlock* block = Block;
                return block == null ? 0 : block->Count;
            }
        }

        /// <summary>
        /// Disposes all drivers, as <see cref="NetworkDriver.Dispose"/> does, and the collection.
        /// It does not wait: complete the drivers' jobs before. A driver that has a job which is
        /// not completed, or is inside another thread's call, is not disposed. The others are, the
        /// collection stays with it (<see cref="IsCreated"/> is true), and this throws: complete
        /// the job and dispose again. Of several threads that dispose at once one does it, and the
        /// others return at once. Does nothing when it is disposed or was never created.
        /// </summary>
        /// <exception cref="InvalidOperationException">A driver, or the collection, is in use.
        /// </exception>
        public void Dispose()
        {
            MultiBlock* block = (MultiBlock*)m_Block;
            nd_multi_driver* native = (nd_multi_driver*)m_Native;
            if (block == null || !block->TakeFrom(native))
                return;
            bool inUse = false;
            for (int i = 0; i < block->Count; i++)
            {
                block->Drivers[i].Dispose();
                inUse = inUse || block->Drivers[i].IsCreated;
            }
            inUse = inUse || NativeMethods.nd_multi_driver_destroy(native)
                == (int)Error.StatusCode.DriverInUse;
            if (!inUse)
            {
                MultiBlock.Return(block);
                return;
            }
            block->GiveBack(native);
            throw new InvalidOperationException("A driver of the collection, or the collection, is "
                + "in use and was not disposed: complete its jobs and dispose again.");
        }

        /// <summary>Adds a driver, which is the collection's to dispose from here on. It may be
        /// bound and listen, and must not have had a connection.</summary>
        /// <param name="driver">The driver.</param>
        /// <returns>Its number.</returns>
        /// <exception cref="ArgumentException">It is not created, has, or had, connections, is in
        /// a collection, or has not as many pipelines as the others.</exception>
        /// <exception cref="InvalidOperationException">There are 255 drivers, or one is in use.
        /// </exception>
        public int AddDriver(NetworkDriver driver)
        {
            Check();
            if (!driver.IsCreated)
                throw new ArgumentException("The driver is not created.", "driver");
            uint id;
            int result = NativeMethods.nd_multi_driver_add_driver(
                Block->Native, driver.Native, &id);
            if (result == (int)Error.StatusCode.NetworkStateMismatch
                || result == (int)Error.StatusCode.InvalidArgument)
                throw new ArgumentException(NetDriverLibrary.LastError, "driver");
            if (result != NativeMethods.ND_OK)
                throw new InvalidOperationException(NetDriverLibrary.LastError);
            Block->Drivers[Block->Count++] = driver;
            return (int)id;
        }

        /// <summary>A driver by its number.</summary>
        /// <param name="id">From 1 on.</param>
        /// <returns>The driver.</returns>
        /// <exception cref="ArgumentException">There is none of that number.</exception>
        public NetworkDriver GetDriver(int id)
        {
            Check();
            if (id < 1 || id > Count)
                throw new ArgumentException("There is no driver " + id + ".", "id");
            return Block->Drivers[id - 1];
        }

        /// <summary>The driver of a connection.</summary>
        /// <param name="connection">A connection of one of the drivers.</param>
        /// <returns>The driver.</returns>
        /// <exception cref="ArgumentException">It is of none of them.</exception>
        public NetworkDriver GetDriverForConnection(NetworkConnection connection)
        {
            return GetDriver(connection.DriverId);
        }

        /// <summary>Makes a pipeline in every driver, or in none when one of them cannot; it is one
        /// value for all of them.</summary>
        /// <param name="stages">As for <see cref="NetworkDriver.CreatePipeline(Type[])"/>.</param>
        /// <returns>The pipeline.</returns>
        /// <exception cref="NetDriverException">It cannot be made in one of them.</exception>
        /// <exception cref="InvalidOperationException">There is no driver, or they have not the
        /// same number of pipelines.</exception>
        public NetworkPipeline CreatePipeline(params Type[] stages)
        {
            return CreateAlike(NetworkPipelineStage.AllOf(stages));
        }

        /// <summary>Makes a pipeline in every driver, or in none when one of them cannot; it is one
        /// value for all of them.</summary>
        /// <param name="stages">The stages.</param>
        /// <returns>The pipeline.</returns>
        /// <exception cref="NetDriverException">It cannot be made in one of them.</exception>
        /// <exception cref="InvalidOperationException">There is no driver, or they have not the
        /// same number of pipelines.</exception>
        public NetworkPipeline CreatePipeline(NetworkPipelineStage[] stages)
        {
            return CreateAlike(stages);
        }

        /// <summary>Makes a pipeline in every driver, or in none when one of them cannot; it is one
        /// value for all of them.</summary>
        /// <param name="stages">The stages' ids.</param>
        /// <returns>The pipeline.</returns>
        /// <exception cref="NetDriverException">It cannot be made in one of them.</exception>
        /// <exception cref="InvalidOperationException">There is no driver, or they have not the
        /// same number of pipelines.</exception>
        public NetworkPipeline CreatePipeline(NetworkPipelineStageId[] stages)
        {
            return CreateAlike(NetworkPipelineStage.AllOf(stages));
        }

        /// <summary>Registers a stage in every driver, before one of them is bound.</summary>
        /// <typeparam name="T">The stage's type, which CreatePipeline takes then.</typeparam>
        /// <param name="stage">The stage; kept until the drivers are disposed.</param>
        /// <exception cref="NetDriverException">It cannot be registered in one of them: it is
        /// bound, or the type is registered already.</exception>
        public void RegisterPipelineStage<T>(T stage)
            where T : INetworkPipelineStage
        {
            Check();
            for (int i = 0; i < Count; i++)
                Block->Drivers[i].RegisterPipelineStage(stage);
        }

        private NetworkPipeline CreateAlike(NetworkPipelineStage[] stages)
        {
            Check();
            if (stages == null)
                throw new ArgumentNullException("stages");
            if (Count == 0)
                throw new InvalidOperationException("There is no driver; add one first.");
            // All or none: what could keep one of them from it is asked before.
            for (int i = 0; i < Count; i++)
            {
                NetworkDriver driver = Block->Drivers[i];
                if (driver.PipelineCount != Block->Drivers[0].PipelineCount)
                    throw new InvalidOperationException(
                        "All drivers of a collection have the same number of pipelines.");
                int result = driver.CheckPipeline(stages);
                if (result != NativeMethods.ND_OK)
                    throw Library.Failure("The pipeline cannot be made in every driver", result);
            }
            NetworkPipeline pipeline = NetworkPipeline.Null;
            for (int i = 0; i < Count; i++)
                pipeline = Block->Drivers[i].CreatePipeline(stages);
            return pipeline;
        }

        private void Check()
        {
            if (!IsCreated)
                throw new ObjectDisposedException("MultiNetworkDriver");
        }

        /// <summary>The driver of a connection; one that was never created when there is none.
        /// </summary>
        private NetworkDriver Of(NetworkConnection connection)
        {
            int id = connection.DriverId;
            return id >= 1 && id <= Count ? Block->Drivers[id - 1] : default(NetworkDriver);
        }

        /// <summary>What is returned for a connection of no driver.</summary>
        private int Checked(NetworkConnection connection, int result)
        {
            return IsCreated && !Of(connection).IsCreated
                ? (int)Error.StatusCode.NetworkIdMismatch : result;
        }

        /// <summary>Takes the oldest connection that came from outside, of the first driver that
        /// has one.</summary>
        /// <returns>The connection; the default value when none waits.</returns>
        public NetworkConnection Accept()
        {
            NetworkConnection connection = default(NetworkConnection);
            for (int i = 0; i < Count && !connection.IsCreated; i++)
                connection = Block->Drivers[i].Accept();
            return connection;
        }

#if !UNITY_5_3_OR_NEWER // where "out var" and "default" are to mean the NativeArray
        /// <summary>Takes the oldest connection that came from outside, of the first driver that
        /// has one.</summary>
        /// <param name="payload">What the client gave to Connect; may have no bytes.</param>
        /// <returns>The connection; the default value when none waits.</returns>
        public NetworkConnection Accept(out byte[] payload)
        {
            NetworkConnection connection = Accept();
            payload = connection.IsCreated ? Of(connection).GetConnectPayload(connection)
                : new byte[0];
            return connection;
        }

        /// <summary>Connects over the first interface of a driver.</summary>
        /// <param name="driverId">The driver's number.</param>
        /// <param name="endpoint">The server.</param>
        /// <param name="payload">Bytes for the server with the request; null for none.</param>
        /// <returns>The connection; the default value when that is impossible.</returns>
        /// <exception cref="ArgumentException">There is no such driver.</exception>
        public NetworkConnection Connect(
            int driverId, NetworkEndpoint endpoint, byte[] payload = null)
        {
            return GetDriver(driverId).Connect(endpoint, payload);
        }

        /// <summary>Connects to a host by name or address, over the first interface of a driver.
        /// </summary>
        /// <param name="driverId">The driver's number.</param>
        /// <param name="address">The host.</param>
        /// <param name="port">Its port.</param>
        /// <param name="payload">Bytes for the server with the request; null for none.</param>
        /// <returns>The connection; the default value when that is impossible.</returns>
        /// <exception cref="ArgumentException">There is no such driver.</exception>
        public NetworkConnection Connect(
            int driverId, string address, ushort port, byte[] payload = null)
        {
            return GetDriver(driverId).Connect(address, port, payload);
        }
#endif

        /// <summary>Connects to a URL by a driver.</summary>
        /// <param name="driverId">The driver's number.</param>
        /// <param name="url">ws:// or wss://.</param>
        /// <param name="options">What else is asked for; null for the defaults.</param>
        /// <returns>The connection; the default value when that is impossible.</returns>
        /// <exception cref="ArgumentException">There is no such driver.</exception>
        public NetworkConnection Connect(int driverId, string url, ConnectOptions options = null)
        {
            return GetDriver(driverId).Connect(url, options);
        }

        /// <summary>Closes a connection.</summary>
        /// <param name="connection">Which.</param>
        public void Disconnect(NetworkConnection connection)
        {
            Of(connection).Disconnect(connection);
        }

        /// <summary>What a connection is doing.</summary>
        /// <param name="connection">Which.</param>
        /// <returns>The state; Disconnected for a stale or unknown connection.</returns>
        public NetworkConnection.State GetConnectionState(NetworkConnection connection)
        {
            return Of(connection).GetConnectionState(connection);
        }

        /// <summary>The peer's address.</summary>
        /// <param name="connection">Which.</param>
        /// <returns>The address; not valid for a stale or unknown connection.</returns>
        public NetworkEndpoint GetRemoteEndpoint(NetworkConnection connection)
        {
            return Of(connection).GetRemoteEndpoint(connection);
        }

        /// <summary>Updates all drivers.</summary>
        /// <param name="dependency">Completed first.</param>
        /// <returns>A handle of all of them.</returns>
        public JobHandle ScheduleUpdate(JobHandle dependency = default(JobHandle))
        {
            JobHandle all = dependency;
            for (int i = 0; i < Count; i++)
                all = JobHandle.CombineDependencies(
                    all, Block->Drivers[i].ScheduleUpdate(dependency));
            return all;
        }

        /// <summary>Sends what waits in all drivers.</summary>
        /// <param name="dependency">Completed first.</param>
        /// <returns>A handle of all of them.</returns>
        public JobHandle ScheduleFlushSend(JobHandle dependency = default(JobHandle))
        {
            JobHandle all = dependency;
            for (int i = 0; i < Count; i++)
                all = JobHandle.CombineDependencies(
                    all, Block->Drivers[i].ScheduleFlushSend(dependency));
            return all;
        }
    }
}
