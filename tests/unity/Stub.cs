// The few types of Unity that csharp/Unity names, so that it is compiled and run without Unity. The
// signatures are those of Unity 2022.3 (UnityEngine.CoreModule, namespace Unity.Jobs); jobs run at
// once.
namespace Unity.Jobs
{
    public interface IJob
    {
        void Execute();
    }

    public struct JobHandle
    {
        public bool IsCompleted
        {
            get { return true; }
        }

        public void Complete()
        {
        }

        public static JobHandle CombineDependencies(JobHandle job0, JobHandle job1)
        {
            return default(JobHandle);
        }
    }

    public static class IJobExtensions
    {
        public static JobHandle Schedule<T>(
            this T jobData, JobHandle dependsOn = default(JobHandle))
            where T : struct, IJob
        {
            jobData.Execute();
            return default(JobHandle);
        }
    }
}
