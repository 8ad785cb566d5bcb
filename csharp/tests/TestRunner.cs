using System;
using System.Diagnostics;
using System.Reflection;

namespace NetDriver.Tests
{
    /// <summary>Marks a class whose public static methods are tests.</summary>
    [AttributeUsage(AttributeTargets.Class)]
    internal sealed class TestsAttribute : Attribute
    {
    }

    /// <summary>A check that did not hold.</summary>
    internal sealed class CheckFailed : Exception
    {
        internal CheckFailed(string message)
            : base(message)
        {
        }
    }

    /// <summary>
    /// Runs every test, or those whose name contains the argument; prints each failure and, last,
    /// how many passed and failed. The exit code is 1 when one failed or none ran.
    /// </summary>
    internal static class TestRunner
    {
        private static int Main(string[] arguments)
        {
            string filter = arguments.Length > 0 ? arguments[0] : string.Empty;
            int passed = 0;
            int failed = 0;
            foreach (Type type in Assembly.GetExecutingAssembly().GetTypes())
            {
                if (type.GetCustomAttributes(typeof(TestsAttribute), false).Length == 0)
                    continue;
                foreach (MethodInfo method in type.GetMethods(
                    BindingFlags.Static | BindingFlags.Public | BindingFlags.DeclaredOnly))
                {
                    string name = type.Name + "." + method.Name;
                    if (name.IndexOf(filter, StringComparison.Ordinal) < 0)
                        continue;
                    if (Run(name, method))
                        passed++;
                    else
                        failed++;
                }
            }
            Console.WriteLine(passed + " passed, " + failed + " failed");
            return failed == 0 && passed > 0 ? 0 : 1;
        }

        private static bool Run(string name, MethodInfo method)
        {
            Stopwatch watch = Stopwatch.StartNew();
            try
            {
                ((Action)Delegate.CreateDelegate(typeof(Action), method))();
                Console.WriteLine("ok    " + name + " (" + watch.ElapsedMilliseconds + " ms)");
                return true;
            }
            catch (CheckFailed failure)
            {
                Console.WriteLine("FAILED " + name + ": " + failure.Message + "\n"
                    + failure.StackTrace);
            }
            catch (Exception error)
            {
                Console.WriteLine("FAILED " + name + ": " + error);
            }
            return false;
        }
    }

    /// <summary>What tests assert with.</summary>
    internal static class Check
    {
        internal static void That(bool condition, string what)
        {
            if (!condition)
                throw new CheckFailed(what);
        }

        internal static void Equal<T>(T expected, T actual, string what)
        {
            if (!object.Equals(expected, actual))
                throw new CheckFailed(what + ": expected " + Show(expected) + ", got "
                    + Show(actual));
        }

        internal static void Bytes(byte[] expected, byte[] actual, string what)
        {
            string wanted = BitConverter.ToString(expected);
            string found = BitConverter.ToString(actual);
            if (wanted != found)
                throw new CheckFailed(what + ": expected " + wanted + ", got " + found);
        }

        internal static void Status(Error.StatusCode expected, int actual, string what)
        {
            Equal(expected, (Error.StatusCode)actual, what);
        }

        internal static T Throws<T>(Action action, string what)
            where T : Exception
        {
            try
            {
                action();
            }
            catch (T error)
            {
                return error;
            }
            throw new CheckFailed(what + ": expected " + typeof(T).Name);
        }

        private static string Show(object value)
        {
            return value == null ? "null" : "\"" + value + "\"";
        }
    }
}
