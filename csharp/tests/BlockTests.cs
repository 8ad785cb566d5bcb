using System;
using System.Threading;
using NetDriver.Error;
using NetDriver.Interop;

namespace NetDriver.Tests
{
    /// <summary>
    /// The memory of a driver that was disposed is the next driver's. A thread that looked at it
    /// before, and goes on afterwards, is played by calls that mean the old driver.
    /// </summary>
    [Tests]
    internal static unsafe class BlockTests
    {
        private const int Stale = (int)StatusCode.NetworkVersionMismatch;

        private static DriverState Disposed(out nd_driver* driver)
        {
            DriverState state = new DriverState(default(NetworkSettings));
            driver = state.Handle;
            state.Destroy();
            Check.That(state.Handle == null, "destroyed");
            return state;
        }

        // The block that was freed last is used first.
        private static Pair OnBlock(DriverBlock* block)
        {
            Pair pair = Pair.Open(Road.Ipc);
            Check.That(block->Handle == pair.Server.Native, "the server has the block");
            return pair;
        }

        // Two messages: the first one was popped, and with it the second is on this side.
        private static void HaveOneAhead(Pair pair)
        {
            for (int sent = 0; sent < 2; sent++)
                Check.Equal(0, pair.Client.Send(pair.ClientSide, new byte[5]), "send");
            pair.Until(() => 2 == pair.Server.GetEventQueueSizeForConnection(pair.ServerSide),
                "two messages");
            NetworkConnection connection;
            DataStreamReader reader;
            Check.Equal(NetworkEvent.Type.Data, pair.Server.PopEvent(out connection, out reader),
                "the first one");
        }

        public static void ALateCallOfADisposedDriverTakesNoEventOfTheNextOne()
        {
            nd_driver* old;
            DriverBlock* block = Disposed(out old).Block;
            using (Pair pair = OnBlock(block))
            {
                NetworkConnection connection = pair.ServerSide;
                NetworkDriver.Concurrent concurrent = pair.Server.ToConcurrent();
                HaveOneAhead(pair);
                NetworkConnection of;
                DataStreamReader reader;
                NetworkPipeline pipeline;
                nd_event popped;
                Check.Equal(NetworkEvent.Type.Empty,
                    block->Pop(old, out of, out reader, out pipeline), "pop");
                Check.Equal(NetworkEvent.Type.Empty,
                    block->PopFor(old, connection, out reader, out pipeline), "pop for");
                Check.That(!block->PopBeside(old, connection, &popped), "pop beside");
                Check.Equal(0, block->EventCount(old, connection), "count");
                Check.Equal(0, block->EventCountBeside(old, connection), "count beside");
                Check.Status(StatusCode.InvalidHandle, block->Refine(old, Stale, connection),
                    "a refused send");
                Check.Equal(Stale, block->RefineBeside(old, Stale, connection),
                    "a refused send beside");
                Check.Equal(1, concurrent.GetEventQueueSizeForConnection(connection), "waits");
                Check.Equal(NetworkEvent.Type.Data,
                    concurrent.PopEventForConnection(connection, out reader), "is the new one's");
            }
        }

        public static void ALateCallOfADisposedDriverEndsNoConnectionOfTheNextOne()
        {
            nd_driver* old;
            DriverState state = Disposed(out old);
            DriverBlock* block = state.Block;
            using (Pair pair = OnBlock(block))
            {
                NetworkConnection connection = pair.ServerSide;
                HaveOneAhead(pair);
                Check.Status(StatusCode.InvalidHandle, block->Disconnect(old, connection),
                    "disconnect");
                Check.Status(StatusCode.InvalidHandle,
                    block->Close(old, connection, 1000, null, 0), "close");
                Check.Status(StatusCode.InvalidHandle, block->Abort(old, connection), "abort");
                Check.Status(StatusCode.InvalidHandle, block->UpdateInJob(old), "update");
                Check.Status(StatusCode.InvalidHandle, state.UpdateInJob(), "update of a job");
                state.KeepFailure((int)StatusCode.JobFailed);
                state.FlushInJob();
                Check.Equal(0, pair.Server.ReceiveErrorCode, "no failure of the new one");
                Check.Status(StatusCode.InvalidHandle,
                    state.CheckPipeline(new NetworkPipelineStage[0]), "pipeline");
                Check.Equal(NetworkEvent.Type.Empty, state.LastEvent().Type, "last event");
                state.Destroy();
                Check.Equal(NetworkConnection.State.Connected,
                    pair.Server.GetConnectionState(connection), "still there");
                DataStreamReader reader;
                Check.Equal(NetworkEvent.Type.Data,
                    pair.Server.PopEventForConnection(connection, out reader), "and its event");
            }
        }

        public static void ACallThatIsInsideIsNoDisposedDriver()
        {
            using (Pair pair = Pair.Open(Road.Ipc))
            {
                DriverState state = new DriverState(default(NetworkSettings));
                DriverBlock* block = state.Block;
                nd_driver* driver = state.Handle;
                Check.That(block->Enter(driver), "inside");
                Check.That(!block->Enter(driver), "one at a time");
                Check.Status(StatusCode.DriverInUse,
                    block->Abort(driver, pair.ServerSide), "abort");
                Check.Status(StatusCode.InvalidHandle,
                    block->Abort(pair.Server.Native, pair.ServerSide), "of another driver");
                state.Destroy();
                Check.That(state.Handle == driver, "not destroyed");
                block->Leave();
                Check.That(!block->Enter(pair.Server.Native), "another driver");
                Check.That(block->Enter(driver), "who was not let in has left");
                block->Leave();
                state.Destroy();
                Check.That(state.Handle == null, "destroyed");
                Check.That(!block->Enter(driver), "destroyed");
            }
        }

        // Whoever is not let in leaves no trace of having asked, not even for an instant: the one
        // that has the block now would be refused to its own thread.
        public static void ALateThreadNeverKeepsTheNextDriverFromItsOwn()
        {
            const int Rounds = 200000;
            const int RoundsMax = 200 * Rounds;
            const int JoinMSMax = 60000;
            nd_driver* old;
            DriverState state = Disposed(out old);
            DriverBlock* block = state.Block;
            using (Pair pair = OnBlock(block))
            {
                nd_driver* driver = pair.Server.Native;
                NetworkConnection connection = pair.ServerSide;
                bool isOver = false;
                long asked = 0;
                Exception failure = null;
                Thread late = new Thread(() =>
                {
                    NetworkConnection of;
                    DataStreamReader reader;
                    NetworkPipeline pipeline;
                    try
                    {
                        while (!Volatile.Read(ref isOver))
                        {
                            block->Pop(old, out of, out reader, out pipeline);
                            block->PopFor(old, connection, out reader, out pipeline);
                            block->Abort(old, connection);
                            block->Refine(old, Stale, connection);
                            block->RefineBeside(old, Stale, connection);
                            Interlocked.Increment(ref asked);
                        }
                    }
                    catch (Exception thrown)
                    {
                        Volatile.Write(ref failure, thrown);
                    }
                });
                late.IsBackground = true;
                // What several threads do at once is asked only where something waits.
                HaveOneAhead(pair);
                late.Start();
                int refused = 0;
                try
                {
                    for (int round = 0; Volatile.Read(ref failure) == null && round < RoundsMax
                        && (round < Rounds || Interlocked.Read(ref asked) < Rounds / 4); round++)
                    {
                        if (block->Enter(driver))
                            block->Leave();
                        else
                            refused++;
                        if (round >= Rounds)
                            Thread.Yield();
                    }
                }
                finally
                {
                    Volatile.Write(ref isOver, true);
                }
                Check.That(late.Join(JoinMSMax), "the late thread ends");
                Check.That(failure == null, "the late thread: " + failure);
                Check.That(Interlocked.Read(ref asked) >= Rounds / 4, "it has asked: " + asked);
                Check.Equal(0, refused, "refused");
                Check.Equal(1, pair.Server.GetEventQueueSizeForConnection(connection), "waits");
            }
        }

        public static void AHandleForSeveralThreadsIsNotThatOfTheDriverBefore()
        {
            nd_driver* old;
            DriverBlock* block = Disposed(out old).Block;
            nd_concurrent* left = (nd_concurrent*)0x6001;
            // As a thread does that has asked before the driver was destroyed.
            block->UseConcurrent(left);
            using (Pair pair = OnBlock(block))
            {
                nd_driver* driver = pair.Server.Native;
                nd_concurrent* wanted;
                Check.Equal(0, NativeMethods.nd_driver_to_concurrent(driver, &wanted), "make");
                Check.That(block->MakeConcurrent(old) == null, "none of the old one");
                Check.That(block->Concurrent(driver) == wanted, "its own");
                Check.That(block->Concurrent(driver) == wanted, "its own, kept");
                Check.That(block->Concurrent(old) == null, "not for the old one");
                Check.Equal(0, pair.Server.ToConcurrent().Send(pair.ServerSide, new byte[1]),
                    "send");
            }
        }
    }
}
